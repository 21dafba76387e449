import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { DoctorCheck } from './doctor-check.ts'

const name = 'namespaces'

/** The settings that forbid user namespaces to ordinary users, with the value that does. */
const FORBIDDING = [
  ['user/max_user_namespaces', '0'],
  // Of Debian's and Ubuntu's kernels.
  ['kernel/unprivileged_userns_clone', '0'],
  ['kernel/apparmor_restrict_unprivileged_userns', '1'],
] as const

/** Whether unprivileged user namespaces are allowed (user_namespaces(7)). Nothing here needs them; it is good to know. */
export function checkNamespaces(sysctls = '/proc/sys'): DoctorCheck {
  const forbidding = FORBIDDING.filter(([file, value]) => read(sysctls, file) === value)
  if (forbidding.length === 0) {
    return { name, status: 'ok', found: 'unprivileged user namespaces are allowed' }
  }
  const why = forbidding.map(([file, value]) => `${file.replaceAll('/', '.')} is ${value}`)
  const found = `no unprivileged user namespaces (${why.join(', ')}); capture by preload needs none`
  return { name, status: 'ok', found }
}

function read(sysctls: string, file: string): string | undefined {
  try {
    return readFileSync(path.join(sysctls, file), 'utf8').trim()
  } catch {
    // A kernel without the setting forbids nothing by it.
    return undefined
  }
}
