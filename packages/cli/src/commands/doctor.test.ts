import { writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { expect, vi } from 'vitest'
import { checkIoUring } from '../lib/doctor/check-io-uring.ts'
import { report, tailproxy } from '../tailproxy.ts'
import { test as base } from '../testing/surroundings.ts'

/** With a control server whose name needs no lookup. */
const test = base.extend<{ control: undefined }>({
  control: [
    async ({ surroundings: _ }, use) => {
      vi.stubEnv('TAILPROXY_CONTROL_URL', 'http://127.0.0.1:1/')
      await use(undefined)
    },
    { auto: true },
  ],
})

test('says that all is well, line by line', async ({ surroundings: { said, behave } }) => {
  behave({ dials: { tarpit: 'both' } })
  expect(await tailproxy(['doctor', 'sh'])).toEqual({ status: 0, signal: null })
  expect(said.stdout).toMatch(/^ok {4}library {6}\/tmp\/tailproxy-\d+\/libtailproxy-\w+\.so$/m)
  expect(said.stdout).toMatch(/^ok {4}connections {2}by the dial socket /m)
  expect(said.stdout).toMatch(/^ok {4}sh {11}\/\S+\/sh is captured/m)
})

test('reports as JSON', async ({ surroundings: { said } }) => {
  await tailproxy(['doctor', '--json'])
  const { checks } = JSON.parse(said.stdout)
  expect(checks.map(({ name }: { name: string }) => name)).toEqual([
    ...['kernel', 'namespaces', 'library', 'settings', 'sidecar', 'connections', 'io_uring'],
    ...['state', 'session', 'names', 'control', 'relays', 'udp', 'nat', 'clock'],
  ])
})

test('says which way is in use, and why', async ({ surroundings: { said, behave } }) => {
  behave({ dials: { tarpit: 'none', detail: 'no such option' } })
  expect(await tailproxy(['doctor'])).toEqual({ status: 0, signal: null })
  expect(said.stdout).toMatch(/^warn {2}connections {2}by SOCKS5: no such option$/m)
})

test('says what is missing, and goes on', async ({ surroundings: { said } }) => {
  vi.stubEnv('TAILPROXY_SIDECAR', '/nonexistent')
  expect(await tailproxy(['doctor'])).toEqual({ status: 1, signal: null })
  expect(said.stdout).toMatch(/^FAIL {2}sidecar .*\/nonexistent/m)
  expect(said.stdout).toMatch(/^\S+ +io_uring/m)
})

test('says that a static program is not captured', async ({
  surroundings: { said },
  directory,
}) => {
  const file = path.join(directory, 'static')
  // An ELF header of this machine's, without an interpreter: elf(5).
  const header = Buffer.alloc(64)
  header.write('\x7fELF\x02\x01\x01', 'latin1')
  header.writeUInt16LE(2, 16)
  header.writeUInt16LE(process.arch === 'arm64' ? 183 : 62, 18)
  header.writeUInt32LE(1, 20)
  header.writeBigUInt64LE(64n, 32)
  header.writeUInt16LE(64, 52)
  header.writeUInt16LE(56, 54)
  writeFileSync(file, header, { mode: 0o755 })
  expect(await tailproxy(['doctor', file])).toEqual({ status: 1, signal: null })
  expect(said.stdout).toMatch(/^FAIL .*static/m)
  expect(said.stdout).toContain('--allow-unwrapped')
})

test('says what is wrong with settings, and goes on', async ({ surroundings: { said } }) => {
  vi.stubEnv('TAILPROXY_UDP', 'maybe')
  expect(await tailproxy(['doctor'])).toEqual({ status: 1, signal: null })
  expect(said.stdout).toMatch(/^FAIL {2}settings +TAILPROXY_UDP is "maybe"; allowed is proxy/m)
  expect(said.stdout).toMatch(/^ok {4}clock/m)
})

test('says what is wrong with the network, and what to do', async ({
  surroundings: { said, behave },
}) => {
  behave({
    network: {
      ...{ udp: false, ipv4: true, ipv6: false, natType: 'hard', relays: [] },
      ...{ controlError: 'connection refused', clockSkewMs: -120_000 },
    },
  })
  expect(await tailproxy(['doctor'])).toEqual({ status: 1, signal: null })
  expect(said.stdout).toMatch(/^FAIL {2}control +the control server cannot be reached: connection/m)
  expect(said.stdout).toMatch(/^FAIL {2}clock +120 s behind\n +set it/m)
  expect(said.stdout).toMatch(/^warn {2}nat +its mapping/m)
})

test('reports without a word that says who asks', async ({ surroundings: { said }, directory }) => {
  vi.stubEnv('HOME', directory)
  vi.stubEnv('TAILPROXY_HOSTNAME', 'marvin')
  vi.stubEnv('TAILPROXY_AUTHKEY', 'tskey-auth-secret')
  await tailproxy(['doctor', '--report'])
  expect(said.stdout).toMatch(/^## host\n\nTailProxy \d+\.\d+\.\d+, Node v/)
  expect(said.stdout).toContain('hostname: (set), environment\n')
  expect(said.stdout).toMatch(/~\/state\/tailproxy/)
  for (const word of [directory, 'marvin', 'tskey']) expect(said.stdout).not.toContain(word)
})

test('knows no command that there is not', async () => {
  const error = await tailproxy(['doctor', 'no-such-command']).catch((reason: unknown) => reason)
  expect(report(error)).toBe(127)
})

test.for([
  ['0', 'warn'],
  ['1', 'warn'],
  ['2', 'ok'],
  [undefined, 'warn'],
] as const)('takes kernel.io_uring_disabled %s for %s', ([value, status], { directory }) => {
  const file = path.join(directory, 'io_uring_disabled')
  if (value) writeFileSync(file, `${value}\n`)
  expect(checkIoUring(file).status).toBe(status)
})
