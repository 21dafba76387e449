import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { test as base, expect } from 'vitest'
import type { SettingSources } from './collect-settings.ts'
import { ConfigError } from './errors.ts'
import { resolveSettings } from './resolve-settings.ts'
import { type SettingName, settings } from './settings.ts'

const test = base.extend<{ inFile: (content: object) => string }>({
  inFile: async ({}, use) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'settings-'))
    const file = path.join(directory, 'tailproxy.json')
    await use((content) => {
      writeFileSync(file, JSON.stringify(content))
      return file
    })
    rmSync(directory, { recursive: true })
  },
})

function resolve(sources: SettingSources) {
  return resolveSettings({ env: {}, discover: false, ...sources })
}

async function messageOf(sources: SettingSources): Promise<string> {
  try {
    await resolve(sources)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('nothing was thrown')
}

test('takes a flag before the environment, that before the file, that before the default', async ({
  inFile,
}) => {
  const flags = { hostname: 'of-flag' }
  const env = { TAILPROXY_HOSTNAME: 'of-env' }
  const file = inFile({ hostname: 'of-file' })
  expect((await resolve({ flags, env, file })).values.hostname).toBe('of-flag')
  expect((await resolve({ env, file })).values.hostname).toBe('of-env')
  expect((await resolve({ file })).values.hostname).toBe('of-file')
  expect((await resolve({})).values.hostname).toBe('tailproxy')
})

test('tells where each value came from', async ({ inFile }) => {
  const file = inFile({ verbose: true })
  const { origins } = await resolve({
    flags: { port: '1080' },
    env: { TAILPROXY_HOSTNAME: 'laptop' },
    file,
  })
  expect(origins).toMatchObject({
    port: { kind: 'flag', name: 'port' },
    hostname: { kind: 'environment', name: 'TAILPROXY_HOSTNAME' },
    verbose: { kind: 'file', role: 'config', path: file, key: 'verbose' },
    ephemeral: { kind: 'default' },
  })
})

test('has a value for every setting when nothing is set', async () => {
  expect((await resolve({})).values).toEqual({
    hostname: 'tailproxy',
    authKey: '',
    controlUrl: '',
    stateDir: '',
    port: 0,
    bypass: [],
    onlyTailnet: false,
    udp: 'proxy',
    allowUnwrapped: false,
    ephemeral: false,
    tags: [],
    tailscaleLogs: false,
    exitNode: [],
    exitNodeLanAccess: false,
    exportListeners: false,
    exportAllowPorts: '',
    exportDenyPorts: '',
    exportMax: 32,
    exportUsers: [],
    exportTags: [],
    exportIdle: 0,
    exportLoopback: false,
    exportStrict: false,
    exportPeers: true,
    exportProxyProtocol: false,
    exportConnections: 1024,
    exportService: '',
    filters: [],
    profile: '',
    idle: 600_000,
    timeout: 0,
    foreground: false,
    metrics: '',
    verbose: false,
  })
})

test('takes an empty variable for an unset one', async ({ inFile }) => {
  const env = { TAILPROXY_HOSTNAME: '', TAILPROXY_AUTHKEY: '', TS_AUTHKEY: 'key' }
  const { values } = await resolve({ env, file: inFile({ hostname: 'of-file' }) })
  expect(values).toMatchObject({ hostname: 'of-file', authKey: 'key' })
})

test('takes our own variable of the auth key before that of Tailscale', async () => {
  const env = { TAILPROXY_AUTHKEY: 'ours', TS_AUTHKEY: 'theirs' }
  expect((await resolve({ env })).values.authKey).toBe('ours')
})

test('finds a mistake in the file even where a flag covers it', async ({ inFile }) => {
  expect(
    await messageOf({ flags: { port: '1080' }, file: inFile({ proxy_port: 'many' }) }),
  ).toMatch(/tailproxy\.json: "proxy_port" is "many"; allowed is a port/)
})

test.for([
  ['hostname', 'laptop', 'laptop'],
  ['hostname', 'a', 'a'],
  ['hostname', `${'a'.repeat(62)}1`, `${'a'.repeat(62)}1`],
  ['authKey', 'tskey-auth-1', 'tskey-auth-1'],
  ['authKey', 'tskey-client-1?ephemeral=false', 'tskey-client-1?ephemeral=false'],
  ['authKey', 'file:/run/a key', 'file:/run/a key'],
  ['authKey', '-', '-'],
  ['tags', 'tag:ci,tag:build', ['tag:ci', 'tag:build']],
  ['exitNode', 'berlin', ['berlin']],
  [
    'exitNode',
    'berlin.example.ts.net., 100.64.0.7,nXYZ1CNTRL,auto',
    ['berlin.example.ts.net.', '100.64.0.7', 'nXYZ1CNTRL', 'auto'],
  ],
  ['exitNode', 'fd7a:115c:a1e0::7', ['fd7a:115c:a1e0::7']],
  ['exitNode', '', []],
  ['exitNodeLanAccess', 'true', true],
  ['profile', 'work', 'work'],
  ['profile', 'a.b_c-1', 'a.b_c-1'],
  ['profile', '', ''],
  ['profile', 'none', ''],
  ['idle', '0', 0],
  ['idle', '2h', 7_200_000],
  ['timeout', '30', 30_000],
  ['foreground', '1', true],
  ['metrics', '127.0.0.1:9090', '127.0.0.1:9090'],
  ['metrics', '[::1]:0', '[::1]:0'],
  ['metrics', 'localhost:65535', 'localhost:65535'],
  ['metrics', '', ''],
  ['controlUrl', 'https://control.example/', 'https://control.example/'],
  ['controlUrl', 'http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['stateDir', '/var/lib/tailproxy', '/var/lib/tailproxy'],
  ['port', '0', 0],
  ['port', '65535', 65_535],
  ['bypass', '192.0.2.0/24,2001:db8::/32', ['192.0.2.0/24', '2001:db8::/32']],
  ['bypass', '192.0.2.1, ::1', ['192.0.2.1', '::1']],
  ['bypass', '', []],
  ['onlyTailnet', 'true', true],
  ['onlyTailnet', '1', true],
  ['udp', 'proxy', 'proxy'],
  ['udp', 'block', 'block'],
  ['udp', 'direct', 'direct'],
  ['allowUnwrapped', 'YES', true],
  ['ephemeral', 'on', true],
  ['tailscaleLogs', 'no', false],
  ['exportAllowPorts', '3000,8000-8100', '3000,8000-8100'],
  ['exportMax', '1', 1],
  ['exportMax', '65535', 65_535],
  ['exportUsers', 'alice@example.com,bob@example.com', ['alice@example.com', 'bob@example.com']],
  ['exportTags', 'tag:web tag:ci-2', ['tag:web', 'tag:ci-2']],
  ['exportIdle', '0', 0],
  ['exportIdle', '90', 90_000],
  ['exportIdle', '1.5h', 5_400_000],
  ['exportIdle', '250ms', 250],
  ['exportPeers', 'no', false],
  ['exportService', 'svc:web', 'svc:web'],
  ['filters', './a.mjs,filter-b', ['./a.mjs', 'filter-b']],
  ['verbose', '0', false],
  ['verbose', 'Off', false],
] as const)('accepts --%s %s', async ([name, text, value]) => {
  expect((await resolve({ flags: { [name]: text } })).values[name]).toEqual(value)
})

test.for([
  ['hostname', ''],
  ['hostname', '-laptop'],
  ['hostname', 'laptop-'],
  ['hostname', 'lap_top'],
  ['hostname', 'laptop.example'],
  ['hostname', 'laptop\n'],
  ['hostname', 'a'.repeat(64)],
  ['controlUrl', 'ftp://control.example/'],
  ['controlUrl', 'control.example'],
  ['port', ''],
  ['port', '-1'],
  ['port', '65536'],
  ['port', '1e3'],
  ['port', '80 '],
  ['authKey', 'file:'],
  ['authKey', 'two words'],
  ['tags', 'ci'],
  ['exitNode', '-x'],
  ['exitNode', 'a;b'],
  ['profile', '.hidden'],
  ['profile', 'a/b'],
  ['profile', '..'],
  ['profile', 'a'.repeat(65)],
  ['idle', 'never'],
  ['timeout', '-1s'],
  ['metrics', '0.0.0.0:9090'],
  ['metrics', '127.0.0.1'],
  ['metrics', '127.0.0.1:65536'],
  ['metrics', '9090'],
  ['bypass', 'example.com'],
  ['bypass', '192.0.2.0/33'],
  ['bypass', '2001:db8::/129'],
  ['bypass', '192.0.2.0/'],
  ['bypass', '192.0.2.0/24/8'],
  ['bypass', 'fe80::1%eth0'],
  ['onlyTailnet', 'maybe'],
  ['udp', ''],
  ['udp', 'allow'],
  ['udp', 'Proxy'],
  ['exportMax', '0'],
  ['exportMax', '65536'],
  ['exportMax', 'many'],
  ['exportTags', 'web'],
  ['exportTags', 'tag:'],
  ['exportIdle', '10 minutes'],
  ['exportIdle', '-1'],
  ['exportIdle', '1000h'],
  ['exportConnections', '0'],
  ['exportService', 'web'],
  ['exportService', 'svc:-'],
  ['verbose', 'debug'],
] as const)('refuses --%s "%s" and says what is allowed', async ([name, text]) => {
  const { flag, allowed } = settings[name]
  const message = await messageOf({ flags: { [name]: text } })
  expect(message).toMatch(new RegExp(`^--${flag} is `))
  expect(message.endsWith(`; allowed is ${allowed}`)).toBe(true)
})

test('names the variable that a bad value stands in', async () => {
  expect(await messageOf({ env: { TAILPROXY_LOG: 'debug' } })).toBe(
    'TAILPROXY_LOG is "debug"; allowed is true or false',
  )
})

test.for([
  [{ hostname: 7 }, '"hostname" is 7'],
  [{ proxy_port: '1080' }, '"proxy_port" is "1080"'],
  [{ proxy_port: 1080.5 }, '"proxy_port" is 1080.5'],
  [{ bypass: '192.0.2.0/24' }, '"bypass" is "192.0.2.0/24"'],
  [{ verbose: 'true' }, '"verbose" is "true"'],
  [{ udp: true }, '"udp" is true'],
  [{ verbose: null }, '"verbose" is null'],
] as const)(
  'takes no value of another type from a file: %j',
  async ([content, said], { inFile }) => {
    const file = inFile(content)
    expect(await messageOf({ file })).toContain(`${file}: ${said}; allowed is`)
  },
)

test('never shows a secret', async ({ inFile }) => {
  const file = inFile({ authkey: { secret: 'tskey-auth-1' } })
  expect(await messageOf({ file })).toBe(
    `${file}: "authkey" is of an unusable form; allowed is ${settings.authKey.allowed}`,
  )
})

test.for([
  ['"10m"', 600_000],
  ['90', 90_000],
  ['0.5', 500],
] as const)('takes a time of %s from a file', async ([time, milliseconds], { inFile }) => {
  const file = inFile({ export_idle: JSON.parse(time) })
  expect((await resolve({ file })).values.exportIdle).toBe(milliseconds)
})

test('takes a plugin with its options from a file', async ({ inFile }) => {
  const filters = ['./a.mjs', { filter: 'filter-b', options: { from: '9:00' } }]
  expect((await resolve({ file: inFile({ filters }) })).values.filters).toEqual(filters)
})

test('takes exit nodes from a file as the format before had them, or as a list', async ({
  inFile,
}) => {
  const text = inFile({ exit_node: 'berlin, auto' })
  expect((await resolve({ file: text })).values.exitNode).toEqual(['berlin', 'auto'])
  const list = inFile({ exit_node: ['berlin', 'auto'] })
  expect((await resolve({ file: list })).values.exitNode).toEqual(['berlin', 'auto'])
  expect((await resolve({ file: inFile({ exit_node: '' }) })).values.exitNode).toEqual([])
})

test('makes paths of flags and variables absolute', async () => {
  const env = { TAILPROXY_AUTHKEY: 'file:key' }
  const { values } = await resolve({ flags: { stateDir: 'state' }, env })
  expect(values.stateDir).toBe(path.resolve('state'))
  expect(values.authKey).toBe(`file:${path.resolve('key')}`)
})

test('has no two settings with one flag, variable or key', async () => {
  const all = Object.values(settings)
  const names = [
    ...all.map(({ flag }) => `--${flag}`),
    ...all.map(({ key }) => key),
    ...all.flatMap(({ variables }) => variables),
  ]
  expect(new Set(names).size).toBe(names.length)
})

test('throws nothing but ConfigError, whatever the flags and variables', async () => {
  const names = Object.keys(settings) as SettingName[]
  const variables = Object.values(settings).flatMap((setting) => setting.variables)
  const flags = fc.dictionary(fc.constantFrom(...names), fc.string({ unit: 'binary' }))
  const env = fc.dictionary(fc.constantFrom(...variables), fc.string({ unit: 'binary' }))
  await fc.assert(
    fc.asyncProperty(flags, env, async (someFlags, someEnv) => {
      try {
        await resolve({ flags: someFlags, env: someEnv })
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError)
      }
    }),
  )
})
