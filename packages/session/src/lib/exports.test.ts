import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import path from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { createFilterChain, createPortFilter, type Filter } from '@tailproxy/port-filter'
import { expect, onTestFinished, vi } from 'vitest'
import { POLICY, test } from '../testing/session.ts'
import type { Session } from './session.ts'

/** Tells of a listener as a captured program does, and resolves to the answer. */
async function tell(session: Session, line: string): Promise<string> {
  const run = await session.register('run-1', POLICY, { exports: {} })
  const socket = connect(run.control ?? '')
  socket.setEncoding('utf8').write(`HELLO 2 1234\n${line}\n`)
  let said = ''
  while (said.split('\n').length < 3) said += (await once(socket, 'data'))[0]
  return said.split('\n')[1] ?? ''
}

function portOf(address: string): number {
  return Number(address.split(':').at(-1))
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function reach(session: Session, bytes: string): Promise<string> {
  const [address = ''] = session.exports.list()[0]?.addresses ?? []
  const socket = connect(portOf(address), '127.0.0.1')
  socket.end(bytes)
  return text(socket)
}

test('serves a listener that a run tells of', async ({ open, echo }) => {
  const session = await open()
  const port = portOf(echo)
  expect(await tell(session, `LISTEN 7 tcp4 0.0.0.0 ${port} 0`)).toBe('OK 7')
  expect(session.exports.list()).toMatchObject([{ port, targets: [echo], pids: [1234] }])
  expect(await reach(session, 'hello')).toBe('hello')
})

test('tells of a wrong line, and goes on with the next', async ({ open, echo }) => {
  const session = await open()
  const complaints: string[] = []
  session.on('log', (_level, message) => complaints.push(message))
  const port = portOf(echo)
  const answer = await tell(
    session,
    `LISTEN 1 tcp5 0.0.0.0 ${port} 0\nLISTEN 2 tcp4 0.0.0.0 ${port} 0`,
  )
  expect(answer).toMatch(/^REFUSED 0 invalid /)
  await vi.waitFor(() => expect(session.exports.list()).toHaveLength(1))
  expect(complaints).toEqual([expect.stringMatching(/^process 1234 .*tcp5/)])
})

test('keeps the control socket to the user', async ({ open }) => {
  const session = await open()
  const { control = '' } = await session.register('run-1', POLICY, { exports: {} })
  expect(statSync(control).mode & 0o777).toBe(0o600)
  await session.close()
  expect(existsSync(control)).toBe(false)
})

const isRoot = process.getuid?.() === 0
const NOBODY = 65_534
const CONNECT = `
require('node:net').connect(process.argv[1])
  .on('connect', () => console.log('connected'))
  .on('error', ({ code }) => console.log(code))
`

test.skipIf(!isRoot)(
  `lets no other user tell of listeners${isRoot ? '' : ' (skipped: needs root)'}`,
  async ({ open }) => {
    const session = await open()
    const { control = '' } = await session.register('run-1', POLICY, { exports: {} })
    const identity = { uid: NOBODY, gid: NOBODY, cwd: '/' }
    const { stdout } = spawnSync(process.execPath, ['-e', CONNECT, control], identity)
    expect(String(stdout)).toBe('EACCES\n')
  },
)

test('goes by what the kernel says of who connects', async ({ open }) => {
  const session = await open({ credentials: { uid: NOBODY } })
  const { control = '' } = await session.register('run-1', POLICY, { exports: {} })
  const socket = connect(control)
  await new Promise((resolve) => socket.on('error', () => {}).on('close', resolve))
  expect(session.exports.refusals).toMatchObject({
    refused: 1,
    last: expect.stringContaining(`user ${NOBODY}`),
  })
})

test('tells of the first of many wrong lines only, and counts all', async ({ open }) => {
  const session = await open()
  const complaints: string[] = []
  session.on('log', (_level, message) => complaints.push(message))
  await tell(session, 'nonsense\n'.repeat(1000))
  await vi.waitFor(() => expect(session.exports.refusals).toMatchObject({ malformed: 1001 }))
  expect(complaints).toHaveLength(32)
  expect(complaints.at(-1)).toContain('only counted')
})

test('has neither control socket nor exporter for a run that exports nothing', async ({ open }) => {
  const session = await open()
  const { control, exporter } = await session.register('run-1', POLICY)
  expect({ control, exporter }).toEqual({ control: undefined, exporter: undefined })
})

test('ends the exports of a run with it', async ({ open, echo }) => {
  const session = await open()
  const run = await session.register('run-1', POLICY, { exports: {} })
  await run.exporter?.connect().listen({ family: 'tcp4', port: portOf(echo) })
  expect(session.exports.list()).toHaveLength(1)
  await session.unregister(run)
  expect(session.exports.list()).toEqual([])
  expect(existsSync(run.control ?? '')).toBe(false)
})

test('puts listeners to the filters', async ({ open }) => {
  const filters = createFilterChain([createPortFilter({ deny: '8000-8099' })])
  const session = await open({}, { filters })
  expect(await tell(session, 'LISTEN 1 tcp4 0.0.0.0 8080 0')).toMatch(/^REFUSED 1 denied .*8080/)
  expect(session.exports.list()).toEqual([])
  expect(session.exports.refusals).toMatchObject({
    unexported: 1,
    last: expect.stringMatching(
      /^port 8080 of process 1234 is not exported \(denied\): .*deny list/,
    ),
  })
})

test('refuses a port that is taken on the tailnet, with who has it', async ({ open }) => {
  const session = await open({ takenPorts: { 22: "port 22 is the node's own" } })
  expect(await tell(session, 'LISTEN 1 tcp4 0.0.0.0 22 0')).toBe(
    "REFUSED 1 taken port 22 is the node's own",
  )
})

const inbound: [string, Filter, boolean][] = [
  ['allows', { name: 'mine', inbound: () => ({ verdict: 'allow' }) }, true],
  ['denies', { name: 'mine', inbound: () => ({ verdict: 'deny', reason: 'closed' }) }, false],
  ['has a list of others', { name: 'mine', static: { inbound: { users: ['alice'] } } }, false],
  ['lets in nobody', { name: 'mine', static: { inbound: { users: [], tags: [] } } }, false],
]

test.for(inbound)(
  'leaves who comes in to a filter that %s',
  async ([, filter, allowed], { open, echo }) => {
    const session = await open({}, { filters: createFilterChain([filter]) })
    await session.exports.ofHost().add({ port: portOf(echo) })
    const answered = reach(session, 'hello')
    if (allowed) expect(await answered).toBe('hello')
    else await expect(answered).rejects.toMatchObject({ code: 'ECONNRESET' })
  },
)

test('tells its log why somebody was not let in, once', async ({ open, echo }) => {
  const filters = createFilterChain([{ name: 'mine', static: { inbound: { users: ['alice'] } } }])
  const session = await open({}, { filters })
  const logged: string[] = []
  session.on('log', (_level, message) => logged.push(message))
  await session.exports.ofHost().add({ port: portOf(echo) })
  for (let times = 0; times < 3; times++) {
    await expect(reach(session, 'hello')).rejects.toMatchObject({ code: 'ECONNRESET' })
  }
  await vi.waitFor(() => expect(session.exports.list()).toMatchObject([{ refused: 3 }]))
  expect(logged).toEqual([expect.stringMatching(new RegExp(`^export: \\S+:${portOf(echo)}: .+`))])
})

test('exports what listens already, and ends it by its port', async ({ open, echo }) => {
  const session = await open()
  const port = portOf(echo)
  expect(await session.exports.ofHost().add({ port })).toMatchObject({ ok: true })
  expect(await session.exports.remove(port)).toBe(true)
  expect(await session.exports.remove(port)).toBe(false)
  expect(session.exports.list()).toEqual([])
})

test('exports a port of UDP beside that of TCP, and ends each by itself', async ({ open }) => {
  const program = createSocket('udp4').bind(0, '127.0.0.1')
  onTestFinished(() => void program.close())
  program.on('message', (datagram, { port }) => program.send(datagram, port, '127.0.0.1'))
  await once(program, 'listening')
  const { port } = program.address()
  const session = await open()
  expect(await session.exports.ofHost().add({ port })).toMatchObject({ ok: true })
  expect(await tell(session, `LISTEN 7 udp4 0.0.0.0 ${port} 0`)).toBe('OK 7')
  const [, ofUdp] = session.exports.list()
  expect(session.exports.list()).toMatchObject([
    { network: 'tcp' },
    { network: 'udp', pids: [1234] },
  ])
  const peer = createSocket('udp4')
  onTestFinished(() => void peer.close())
  peer.send('hello', portOf(ofUdp?.addresses[0] ?? ''), '127.0.0.1')
  expect(String((await once(peer, 'message'))[0])).toBe('hello')
  await vi.waitFor(() =>
    expect(session.exports.list()[1]).toMatchObject({ accepted: 1, bytesUp: 5 }),
  )
  expect(await session.exports.remove(port)).toBe(true)
  expect(session.exports.list()).toMatchObject([{ network: 'udp', port }])
  expect(await session.exports.remove(port, 'udp')).toBe(false)
})

test('exports under a new sidecar what it exported under one that died', async ({
  open,
  echo,
  directory,
}) => {
  const behaviour = { dieAfter: 'fileCapabilities', dieOnce: path.join(directory, 'died') }
  const session = await open({ ...behaviour, exportPort: await freePort() })
  await session.exports.ofHost().add({ port: portOf(echo) })
  expect(await reach(session, 'hello')).toBe('hello')
  await vi.waitFor(() => expect(session.exports.list()).toMatchObject([{ accepted: 1 }]))
  const up = new Promise<void>((resolve) => session.once('up', resolve))
  await session.fileCapabilities('/bin/ping')
  await up
  expect(await reach(session, 'again')).toBe('again')
  await vi.waitFor(() => expect(session.exports.list()).toMatchObject([{ accepted: 2 }]))
  expect(await session.exports.remove(portOf(echo))).toBe(true)
  await expect(reach(session, 'gone')).rejects.toThrow()
})

test('exports nothing any more when it was closed', async ({ open, echo }) => {
  const session = await open()
  await session.exports.ofHost().add({ port: portOf(echo) })
  await session.close()
  expect(session.exports.list()).toEqual([])
})

test('names another control socket for each run', async ({ open, directory }) => {
  const session = await open()
  const runs = [
    await session.register('run-1', POLICY, { exports: {} }),
    await session.register('run-2', POLICY, { exports: {} }),
  ]
  const names = runs.map(({ control }) => path.relative(directory, control ?? ''))
  expect(new Set(names).size).toBe(2)
})
