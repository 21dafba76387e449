import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { fakeSidecar } from '@tailproxy/sidecar/fake'
import { expect, vi } from 'vitest'
import { test } from '../src/testing/session.ts'

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

test('the first example of the README runs as pasted and prints a proxy', async ({ directory }) => {
  const { binary, args } = fakeSidecar()
  const sidecar = path.join(directory, 'sidecar')
  await writeFile(sidecar, `#!/bin/sh\nexec "${binary}" "${args[0]}" "$@"\n`, { mode: 0o755 })
  vi.stubEnv('TAILPROXY_SIDECAR', sidecar)
  vi.stubEnv('XDG_STATE_HOME', directory)
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await runExample()
  expect(log.mock.calls).toEqual([
    [expect.stringMatching(/^socks5h:\/\/my-program:[0-9a-f]{32}@127\.0\.0\.1:\d+$/)],
  ])
})
