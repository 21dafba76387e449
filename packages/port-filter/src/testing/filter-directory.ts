import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test as base } from 'vitest'

/** A directory of its own for a test: `files` writes into it, by path. */
export const test = base.extend<{
  directory: string
  files: (contents: Record<string, string | object>) => Promise<void>
}>({
  directory: async ({}, use) => {
    const directory = await mkdtemp(path.join(tmpdir(), 'port-filter-'))
    await use(directory)
    await rm(directory, { recursive: true })
  },
  files: async ({ directory }, use) => {
    await use(async (contents) => {
      for (const [name, content] of Object.entries(contents)) {
        const file = path.join(directory, name)
        await mkdir(path.dirname(file), { recursive: true })
        await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
      }
    })
  },
})
