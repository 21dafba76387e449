import { readFileSync } from 'node:fs'
import type { DoctorCheck } from './doctor-check.ts'

const SETTING = '/proc/sys/kernel/io_uring_disabled'
const name = 'io_uring'

/** Whether programs can send by io_uring, past the C library: sysctl kernel.io_uring_disabled, Linux since 6.6. */
export function checkIoUring(file: string = SETTING): DoctorCheck {
  const value = read(file)
  if (value === '2') return { name, status: 'ok', found: 'forbidden on this host' }
  const found =
    value === '1'
      ? 'allowed to some programs; what they send by it is not captured'
      : 'programs may use it; what they send by it is not captured'
  const fix =
    'it is refused with --only-tailnet; sysctl kernel.io_uring_disabled=2 forbids it on the whole host'
  return { name, status: 'warn', found, fix }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    // An older kernel has no such setting: it forbids nothing.
    return undefined
  }
}
