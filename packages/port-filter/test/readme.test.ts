import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test, vi } from 'vitest'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

test('the first examples of the README run as pasted and print what they say', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code)
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  const directory = await mkdtemp(join(root, 'test', '.readme-'))
  try {
    for (const [at, example] of examples.slice(0, 3).entries()) {
      const file = join(directory, `example-${at}.ts`)
      await writeFile(file, example)
      await import(pathToFileURL(file).href)
    }
  } finally {
    await rm(directory, { recursive: true })
  }
  expect(log.mock.calls).toEqual([
    [{ verdict: 'deny', reason: 'port 3306 is on the deny list' }],
    ['22,3000,8080,10000-10100', 104],
    [{ verdict: 'deny', reason: 'no mail', filter: 'no-mail' }],
    [false, true],
  ])
})
