import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { resolveSettings, type SettingSources } from '@tailproxy/config'
import { expect } from 'vitest'
import { test } from '../testing/session.ts'
import { filtersOf } from './filters.ts'

const filters = async (sources: SettingSources) =>
  filtersOf(await resolveSettings({ env: {}, ...sources }), { cwd: '/', onFailure: () => {} })

const REQUEST = { network: 'tcp', family: 'tcp4', address: '0.0.0.0' } as const

test('asks nobody by default', async () => {
  const chain = await filters({})
  expect(chain.needsAsking('outbound')).toBe(false)
  expect(chain.needsAsking('inbound')).toBe(false)
  expect(await chain.export({ ...REQUEST, port: 80 })).toEqual({ verdict: 'allow' })
})

test('lets ports through by the lists', async () => {
  const flags = { exportAllowPorts: '8000-8010', exportDenyPorts: '8005' }
  const chain = await filters({ flags })
  const verdicts = [8000, 8005, 22].map(async (port) => chain.export({ ...REQUEST, port }))
  expect((await Promise.all(verdicts)).map(({ verdict }) => verdict)).toEqual([
    'allow',
    'deny',
    'deny',
  ])
})

test.for([
  ['80a', /--export-allow-ports: .*80a/],
  ['9000-8000', /--export-allow-ports: .*9000-8000/],
  ['', /--export-allow-ports: .*no port/],
] as const)('refuses the list "%s" with its place', async ([list, message]) => {
  await expect(filters({ flags: { exportAllowPorts: list } })).rejects.toThrow(message)
})

test('takes an empty list in a file for none', async ({ directory }) => {
  const file = path.join(directory, 'tailproxy.json')
  writeFileSync(file, '{"export_allow_ports": "", "export_deny_ports": ""}')
  const chain = await filters({ file })
  expect(await chain.export({ ...REQUEST, port: 80 })).toEqual({ verdict: 'allow' })
})

test('pushes users and tags down', async () => {
  const chain = await filters({
    flags: { exportUsers: 'alice@example.com', exportTags: 'tag:web' },
  })
  expect(chain.staticRules().inbound).toEqual({ users: ['alice@example.com'], tags: ['tag:web'] })
  expect(chain.needsAsking('inbound')).toBe(false)
})

test('loads a plugin from beside the file that names it', async ({ directory }) => {
  const file = path.join(directory, 'tailproxy.json')
  writeFileSync(file, '{"filters": [{"filter": "./no.mjs", "options": "not today"}]}')
  writeFileSync(
    path.join(directory, 'no.mjs'),
    `export default (reason) => ({ name: 'no', export: () => ({ verdict: 'deny', reason }) })`,
  )
  const chain = await filters({ file })
  expect(await chain.export({ ...REQUEST, port: 80 })).toEqual({
    verdict: 'deny',
    reason: 'not today',
    filter: 'no',
  })
})

test('names a plugin that is not there', async () => {
  await expect(filters({ flags: { filters: './nowhere.mjs' } })).rejects.toThrow(/nowhere\.mjs/)
})
