// Tests, and what they run, take /dev/null for an empty file that takes everything. Root can replace it like any other file.
import { statSync } from 'node:fs'

/** Its major and minor number, 1 and 3: Linux, Documentation/admin-guide/devices.txt. */
const NULL_DEVICE = (1 << 8) | 3
const MEND = 'as root: rm -f /dev/null && mknod -m 666 /dev/null c 1 3'

/** What is wrong with the machine's /dev/null, or undefined. */
export function nullDeviceComplaint() {
  const found = statSync('/dev/null', { throwIfNoEntry: false })
  if (!found) return `/dev/null is missing; ${MEND}`
  if (found.isCharacterDevice() && found.rdev === NULL_DEVICE) return undefined
  return `/dev/null is not the null device, and has ${found.size} bytes; ${MEND}`
}
