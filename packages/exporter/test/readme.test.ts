import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test, vi } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

test('the first example of the README runs as pasted and prints what it says', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  const directory = await mkdtemp(join(root, 'test', '.readme-'))
  try {
    const file = join(directory, 'example.ts')
    await writeFile(file, example)
    await import(pathToFileURL(file).href)
  } finally {
    await rm(directory, { recursive: true })
  }
  expect(log.mock.calls).toEqual([['8000 is reached at 100.64.0.1:8000'], [true]])
})
