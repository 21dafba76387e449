import { renameSync, writeFileSync } from 'node:fs'
import process from 'node:process'

/** Writes a file (0600) so that whoever reads it finds what was there before, or all of this. */
export function replaceFile(file: string, text: string): void {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, text, { mode: 0o600 })
  renameSync(draft, file)
}
