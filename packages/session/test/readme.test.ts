import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type FakeSidecarBehaviour, fakeSidecar } from '@tailproxy/sidecar/fake'
import { expect, onTestFinished, vi } from 'vitest'
import { test } from '../src/testing/session.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Runs an example of the README as it stands there, by what it is the first to say. */
async function runExample(word: string): Promise<void> {
  const readme = await readFile(path.join(root, 'README.md'), 'utf8')
  const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code)
  const example = examples.find((code) => code.includes(word)) ?? ''
  const directory = await mkdtemp(path.join(root, 'test/.readme-'))
  try {
    const file = path.join(directory, 'example.ts')
    await writeFile(file, example)
    await import(pathToFileURL(file).href)
  } finally {
    await rm(directory, { recursive: true })
  }
}

async function useFake(directory: string, behaviour: FakeSidecarBehaviour): Promise<void> {
  const { binary, args, env } = fakeSidecar(behaviour)
  const sidecar = path.join(directory, 'sidecar')
  await writeFile(sidecar, `#!/bin/sh\nexec "${binary}" "${args[0]}" "$@"\n`, { mode: 0o755 })
  vi.stubEnv('TAILPROXY_SIDECAR', sidecar)
  vi.stubEnv('FAKE_SIDECAR', env['FAKE_SIDECAR'])
  vi.stubEnv('XDG_STATE_HOME', directory)
}

test('the first example of the README runs as pasted and connects', async ({ directory }) => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => void server.close())
  const web = `127.0.0.1:${(server.address() as AddressInfo).port}`
  await useFake(directory, { names: { hello: ['100.64.0.1'] }, targets: { '100.64.0.1:80': web } })
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await runExample('connect')
  expect(log.mock.calls).toEqual([[['100.64.0.9'], 'open']])
})

test('the example of a session runs as pasted and prints a proxy', async ({ directory }) => {
  await useFake(directory, {})
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await runExample('Session.open')
  expect(log.mock.calls).toEqual([
    [expect.stringMatching(/^socks5h:\/\/my-program:[0-9a-f]{32}@127\.0\.0\.1:\d+$/)],
  ])
})
