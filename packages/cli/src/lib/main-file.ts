import path from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The file to execute for another TailProxy: the bundle that this module is in, or the entry of the
 * sources beside it.
 */
export const MAIN: string = findMain(fileURLToPath(import.meta.url))

function findMain(self: string): string {
  const isSource = path.basename(self) === 'main-file.ts'
  return isSource ? path.join(self, '../../main.ts') : path.join(self, '../main.cjs')
}
