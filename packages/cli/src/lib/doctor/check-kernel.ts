import os from 'node:os'
import type { DoctorCheck } from './doctor-check.ts'

/** Since 4.12 sockets tell their SO_COOKIE, by which listeners are told apart (socket(7)). */
const OLDEST = [4, 12] as const

/** Whether the kernel has what is asked of it. */
export function checkKernel(release: string = os.release()): DoctorCheck {
  const name = 'kernel'
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number)
  const [oldMajor, oldMinor] = OLDEST
  const isOld = major < oldMajor || (major === oldMajor && minor < oldMinor)
  const found = `Linux ${release} on ${os.arch()}`
  if (!isOld) return { name, status: 'ok', found }
  const fix = `listeners cannot be exported before Linux ${oldMajor}.${oldMinor}; a newer kernel can`
  return { name, status: 'warn', found, fix }
}
