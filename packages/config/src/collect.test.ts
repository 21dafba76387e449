import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'

// A module that is loaded in spite of this fails whoever loads it.
for (const name of ['zod', 'jsonc-parser']) {
  vi.doMock(name, () => {
    throw new Error(`${name} was loaded`)
  })
}

test('collects without the libraries of schemas and files', async () => {
  const { collectSettings } = await import('./collect.ts')
  const flags = { exportIdle: '10m' }
  const env = { TAILPROXY_HOSTNAME: 'laptop', TAILPROXY_BYPASS: '192.0.2.1', HOME: '/nonexistent' }
  expect(Object.keys(await collectSettings({ flags, env, cwd: '/' }))).toEqual([
    'hostname',
    'bypass',
    'exportIdle',
  ])
})

test('needs one for a file with comments, and the other to check', async () => {
  const { collectSettings } = await import('./collect.ts')
  const directory = mkdtempSync(path.join(tmpdir(), 'collect-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const file = path.join(directory, 'tailproxy.json')
  writeFileSync(file, '{"verbose": true}')
  expect(await collectSettings({ env: {}, file, discover: false })).toHaveProperty('verbose')
  writeFileSync(file, '{} // mine')
  await expect(collectSettings({ env: {}, file, discover: false })).rejects.toThrow()
  await expect(import('./index.ts')).rejects.toThrow()
})
