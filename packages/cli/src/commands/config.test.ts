import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { configSchema } from '@tailproxy/config'
import { expect, vi } from 'vitest'
import { report, tailproxy } from '../tailproxy.ts'
import { test as base } from '../testing/surroundings.ts'

const test = base.extend<{ write: (file: string, content: object) => string }>({
  write: async ({ directory, surroundings: _ }, use) => {
    vi.spyOn(process, 'cwd').mockReturnValue(directory)
    vi.stubEnv('HOME', directory)
    await use((file, content) => {
      const written = path.join(directory, file)
      mkdirSync(path.dirname(written), { recursive: true })
      writeFileSync(written, JSON.stringify(content))
      return written
    })
  },
})

test('shows each value as a file would hold it, and where it came from', async ({
  surroundings: { said },
  write,
}) => {
  const user = write('config/tailproxy/config.json', { hostname: 'laptop', idle: 90 })
  const project = write('.tailproxy.json', { exit_node: 'berlin, auto' })
  vi.stubEnv('TAILPROXY_BYPASS', '192.0.2.1')
  vi.stubEnv('TAILPROXY_AUTHKEY', 'tskey-secret')
  await tailproxy(['--port=1080', 'config'])
  const rows = said.stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/))
  expect(rows).toContainEqual(['hostname', '"laptop"', user])
  expect(rows).toContainEqual(['idle', '"90s"', user])
  expect(rows).toContainEqual(['exit_node', '["berlin","auto"]', project])
  expect(rows).toContainEqual(['bypass', '["192.0.2.1"]', 'TAILPROXY_BYPASS'])
  expect(rows).toContainEqual(['proxy_port', '1080', '--port'])
  expect(rows).toContainEqual(['authkey', '(set)', 'TAILPROXY_AUTHKEY'])
  expect(rows).toContainEqual(['ephemeral', 'false', 'default'])
  expect(said.stdout + said.stderr).not.toContain('secret')
})

test('shows them as JSON', async ({ surroundings: { said }, write }) => {
  const user = write('config/tailproxy/config.json', { idle: '0.5s', authkey: 'tskey-secret' })
  await tailproxy(['config', '--json'])
  const { settings } = JSON.parse(said.stdout)
  const origin = { kind: 'file', role: 'user', path: user }
  expect(settings.idle).toEqual({ value: '500ms', origin: { ...origin, key: 'idle' } })
  expect(settings.authkey).toEqual({ value: '(set)', origin: { ...origin, key: 'authkey' } })
  expect(settings.hostname).toEqual({ value: 'tailproxy', origin: { kind: 'default' } })
})

test('lists the files that are looked at, and which there are', async ({
  surroundings: { said },
  write,
  directory,
}) => {
  const user = write('config/tailproxy/config.json', { profile: 'work' })
  const project = path.join(directory, '.tailproxy.json')
  const profile = path.join(directory, 'config/tailproxy/profiles/work.json')
  await tailproxy(['config', 'path', '--json'])
  expect(JSON.parse(said.stdout).files).toEqual([
    { role: 'profile', path: profile, exists: false },
    { role: 'project', path: project, exists: false },
    { role: 'user', path: user, exists: true },
  ])
  said.stdout = ''
  write('.tailproxy.json', { hostnme: 1 })
  await tailproxy(['config', 'path'])
  expect(said.stdout).toContain(`user     ${user}\n`)
  expect(said.stdout).toMatch(/^profile {2}.*work\.json +\(none\)$/m)
})

test('prints the schema, whatever the files hold', async ({ surroundings: { said }, write }) => {
  write('config/tailproxy/config.json', { hostnme: 1 })
  await tailproxy(['config', 'schema'])
  expect(JSON.parse(said.stdout)).toEqual(configSchema())
})

test.for([
  [
    'config nonsense',
    'config has no "nonsense"; use tailproxy config, config path or config schema',
  ],
  ['config toString', 'config has no "toString"'],
  ['config path all', 'config path takes no "all"'],
  ['config schema all', 'config schema takes no "all"'],
] as const)('refuses "%s"', async ([line, message], { surroundings: { said } }) => {
  const error = await tailproxy(line.split(' ')).catch((reason: unknown) => reason)
  expect(report(error)).toBe(125)
  expect(said.stderr).toContain(message)
})

test('has a help of its own', async ({ surroundings: { said } }) => {
  await tailproxy(['config', '--help'])
  expect(said.stdout).toContain('tailproxy config schema')
})
