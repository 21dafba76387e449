import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test, vi } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Runs the first example of the README as it stands there. */
async function runExample(): Promise<void> {
  const readme = await readFile(path.join(root, 'README.md'), 'utf8')
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
  const directory = await mkdtemp(path.join(root, 'test/.readme-'))
  try {
    const file = path.join(directory, 'example.ts')
    await writeFile(file, example)
    await import(pathToFileURL(file).href)
  } finally {
    await rm(directory, { recursive: true })
  }
}

test('the first example of the README runs as pasted and prints what it says', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await runExample()
  expect(log.mock.calls).toEqual([[['100.64.0.9']]])
})
