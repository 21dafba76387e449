import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test as base } from 'vitest'

/** A test with a directory of its own, gone afterwards. */
export const test = base.extend<{ directory: string }>({
  directory: async ({}, use) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'preload-'))
    await use(directory)
    rmSync(directory, { recursive: true })
  },
})

/** Writes a file with exactly this mode and returns its path. */
export function place(file: string, content: string | Uint8Array, mode = 0o755): string {
  writeFileSync(file, content)
  chmodSync(file, mode)
  return file
}

/** Does `work` as a user who is not root: root may read and search everything. */
export function asNobody<T>(work: () => T): T {
  if (process.geteuid?.() !== 0) return work()
  process.seteuid?.(65_534)
  try {
    return work()
  } finally {
    process.seteuid?.(0)
  }
}
