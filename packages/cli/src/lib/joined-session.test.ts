import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { resolveSettings } from '@tailproxy/config'
import { writeSessionFile } from '@tailproxy/session/host'
import { expect, vi } from 'vitest'
import { settingsOfFlags } from '../testing/settings.ts'
import { test as base } from '../testing/surroundings.ts'
import { joinedSession } from './joined-session.ts'

const SESSION = {
  hostname: 'laptop',
  controlUrl: 'http://127.0.0.1:4000',
  onlyTailnet: false,
  udp: 'proxy',
} as const

const test = base.extend<{ env: NodeJS.ProcessEnv }>({
  env: async ({ directory }, use) => {
    await use({
      TAILPROXY_SESSION: writeSessionFile(directory, SESSION),
      TAILPROXY_HOST: '127.0.0.1',
      TAILPROXY_PORT: '1080',
      TAILPROXY_PRELOAD_USER: 'run-1',
      TAILPROXY_PRELOAD_PASSWORD: 'secret',
    })
  },
})

const REFUSED = expect.objectContaining({ code: 'ERR_TAILPROXY_COMMAND_LINE' })

test('joins the session that it is in', ({ env }) => {
  expect(joinedSession(settingsOfFlags(), env)).toEqual({
    host: '127.0.0.1',
    port: 1080,
    user: 'run-1',
    password: 'secret',
  })
})

test('joins by the dial socket of the session where it has one', ({ env }) => {
  const dials = { TAILPROXY_SOCK: '/run/dial.sock', TAILPROXY_TOKEN: 'token' }
  expect(joinedSession(settingsOfFlags(), { ...env, ...dials })).toMatchObject({
    port: 1080,
    socket: '/run/dial.sock',
    token: 'token',
  })
  const half = joinedSession(settingsOfFlags(), { ...env, TAILPROXY_SOCK: '/run/dial.sock' })
  expect(half).not.toHaveProperty('socket')
})

test.for([
  'TAILPROXY_SESSION',
  'TAILPROXY_HOST',
  'TAILPROXY_PORT',
  'TAILPROXY_PRELOAD_USER',
  'TAILPROXY_PRELOAD_PASSWORD',
])('joins nothing without %s', (name, { env }) => {
  expect(joinedSession(settingsOfFlags(), { ...env, [name]: undefined })).toBeUndefined()
  expect(joinedSession(settingsOfFlags(), { ...env, [name]: '' })).toBeUndefined()
})

test('joins when it is told to use just that session', ({ env }) => {
  const flags = { hostname: 'laptop', controlUrl: 'http://127.0.0.1:4000', onlyTailnet: 'false' }
  expect(joinedSession(settingsOfFlags(flags), env)).toBeDefined()
})

test.for([
  ['hostname', 'desktop', '--hostname is "desktop"', '"laptop"'],
  ['controlUrl', 'http://127.0.0.1:5000', '--control-url is "http://127.0.0.1:5000"', ':4000'],
  ['onlyTailnet', 'true', '--only-tailnet is "true"', '"false"'],
  ['udp', 'block', '--udp is "block"', '"proxy"'],
  ['profile', 'none', '--profile is ""', 'in a session already'],
  ['exitNode', 'berlin', '--exit-node is "berlin"', 'is in a session already'],
] as const)('refuses another %s, and names both', ([name, value, ours, theirs], { env }) => {
  const join = () => joinedSession(settingsOfFlags({ [name]: value }), env)
  expect(join).toThrow(REFUSED)
  expect(join).toThrow(ours)
  expect(join).toThrow(theirs)
})

test('names the variable that asks for another', async ({ env }) => {
  const settings = await resolveSettings({ env: { TAILPROXY_HOSTNAME: 'desktop' } })
  expect(() => joinedSession(settings, env)).toThrow('TAILPROXY_HOSTNAME is "desktop"')
})

test('joins in spite of what the user file says of a node, but not of what may leave it', async ({
  env,
  directory,
}) => {
  const file = path.join(directory, 'config/tailproxy/config.json')
  mkdirSync(path.dirname(file), { recursive: true })
  const home = { XDG_CONFIG_HOME: path.join(directory, 'config') }
  const content = { hostname: 'desktop', control_url: 'http://x/', exit_node: 'berlin' }
  writeFileSync(file, JSON.stringify(content))
  expect(joinedSession(await resolveSettings({ env: home }), env)).toBeDefined()
  const named = await resolveSettings({ env: home, file })
  expect(() => joinedSession(named, env)).toThrow(`${file}: "hostname" is "desktop"`)
  writeFileSync(file, '{"only_tailnet": true}')
  const strict = await resolveSettings({ env: home })
  expect(() => joinedSession(strict, env)).toThrow(`${file}: "only_tailnet" is "true"`)
})

test('refuses a session whose file is gone', ({ env, directory }) => {
  const gone = { ...env, TAILPROXY_SESSION: path.join(directory, 'other.json') }
  expect(() => joinedSession(settingsOfFlags(), gone)).toThrow(REFUSED)
})

test('refuses a session whose process is gone', ({ env }) => {
  vi.spyOn(process, 'kill').mockImplementation(() => {
    throw Object.assign(new Error('kill ESRCH'), { code: 'ESRCH' })
  })
  expect(() => joinedSession(settingsOfFlags(), env)).toThrow(REFUSED)
})

test('joins the session of another user, whose process we may not signal', ({ env }) => {
  vi.spyOn(process, 'kill').mockImplementation(() => {
    throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' })
  })
  expect(joinedSession(settingsOfFlags(), env)).toBeDefined()
})

test('joins a session whose file it may not read', ({ env, directory }) => {
  chmodSync(directory, 0o700)
  const euid = process.geteuid?.()
  if (euid === 0) process.seteuid?.(65_534)
  else chmodSync(directory, 0)
  try {
    expect(joinedSession(settingsOfFlags({ hostname: 'desktop' }), env)).toBeDefined()
  } finally {
    if (euid === 0) process.seteuid?.(0)
    else chmodSync(directory, 0o700)
  }
})
