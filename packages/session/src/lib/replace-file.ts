import { renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { unusable } from './state-directory.ts'

/**
 * Writes a file (0600) of the state directory so that whoever reads it finds what was there before, or
 * all of this.
 *
 * @throws {StateDirectoryError} when it cannot be written; nothing is left of it
 */
export function replaceFile(file: string, text: string): void {
  const draft = `${file}.${process.pid}`
  try {
    writeFileSync(draft, text, { mode: 0o600 })
    renameSync(draft, file)
  } catch (cause) {
    rmSync(draft, { force: true })
    throw unusable(path.dirname(file), cause)
  }
}
