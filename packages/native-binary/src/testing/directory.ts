import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test as base } from 'vitest'

/** A test with a directory of its own, gone afterwards. */
export const test = base.extend<{ root: string }>({
  root: async ({}, use) => {
    const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'native-binary-')))
    await use(root)
    rmSync(root, { recursive: true })
  },
})

/** Writes a file with exactly this mode, in directories that are made for it, and returns its path. */
export function place(file: string, content: string | Uint8Array, mode = 0o755): string {
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, content)
  chmodSync(file, mode)
  return file
}
