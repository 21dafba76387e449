import { writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { expect, vi } from 'vitest'
import { checkIoUring } from '../lib/check-io-uring.ts'
import { report, tailproxy } from '../tailproxy.ts'
import { test } from '../testing/surroundings.ts'

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
    'library',
    'sidecar',
    'connections',
    'io_uring',
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
