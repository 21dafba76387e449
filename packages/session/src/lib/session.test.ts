import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { createFilterChain, type Filter } from '@tailproxy/port-filter'
import { connectSocks5 } from '@tailproxy/socks5/client'
import { expect, vi } from 'vitest'
import { clientOf, POLICY, RawClient, test } from '../testing/session.ts'
import type { Session } from './session.ts'

const PEER = { host: '100.64.0.1', port: 7 }

test('is up with a node, a listener on loopback and a state directory of its own', async ({
  open,
  directory,
}) => {
  const session = await open()
  expect(session.node).toMatchObject({ hostname: 'laptop', addresses: ['100.64.0.9'] })
  expect(session.host).toBe('127.0.0.1')
  expect(session.port).toBeGreaterThan(0)
  expect(statSync(path.join(directory, 'state-0')).mode & 0o777).toBe(0o700)
  expect(await session.status()).toMatchObject({ state: 'running', negotiating: 0 })
})

test('tells of the way up', async ({ open }) => {
  const states: string[] = []
  const urls: string[] = []
  await open(
    { states: ['starting', 'needs-login'], authUrl: 'https://log.in/1' },
    { onState: (state) => states.push(state), onAuthUrl: (url) => urls.push(url) },
  )
  expect(states).toEqual(['starting', 'needs-login', 'running'])
  expect(urls).toEqual(['https://log.in/1'])
})

test('says why the node did not come up', async ({ open }) => {
  const startFailure = { code: 'denied', message: 'the key has expired' } as const
  await expect(open({ startFailure })).rejects.toMatchObject({
    code: 'ERR_SESSION_START',
    reason: 'denied',
    message: 'the key has expired',
    cause: expect.objectContaining({ code: 'ERR_SIDECAR_REQUEST' }),
  })
})

test('quotes a sidecar that died on the way up', async ({ open }) => {
  const died = open({ dieAfter: 'hello', stderr: 'panic: oh no\n' })
  await expect(died).rejects.toMatchObject({
    code: 'ERR_SIDECAR_EXITED',
    message: expect.stringContaining('panic: oh no'),
  })
})

test('starts nothing in a state directory that others can read', async ({ open, directory }) => {
  const sidecar = '/nonexistent'
  const stateDirectory = path.join(directory, 'open')
  mkdirSync(stateDirectory)
  chmodSync(stateDirectory, 0o755)
  await expect(open({}, { sidecar, stateDirectory })).rejects.toMatchObject({
    code: 'ERR_SESSION_STATE_DIRECTORY',
  })
})

test('serves on the port it is told, or says that it cannot', async ({ open }) => {
  const first = await open()
  const { port } = first
  await expect(open({}, { port })).rejects.toMatchObject({
    code: 'ERR_SESSION_START',
    reason: 'busy',
    message: expect.stringContaining(`cannot serve SOCKS5 on 127.0.0.1:${port}`),
  })
  await first.close()
  expect((await open({}, { port })).port).toBe(port)
})

test('ends the way up by its signal', async ({ open }) => {
  const controller = new AbortController()
  const reason = new Error('never mind')
  const onState = () => controller.abort(reason)
  await expect(open({ neverStarts: true }, { onState, signal: controller.signal })).rejects.toBe(
    reason,
  )
})

test('serves dials in its state directory, and says how', async ({ open, directory }) => {
  const dials = { tarpit: 'ipv4', detail: 'there is no ::1' } as const
  const session = await open({ dials })
  const socket = path.join(directory, 'state-0/dial.sock')
  expect(session.dialSocket).toEqual({ path: socket, ...dials })
  expect(statSync(socket).isSocket()).toBe(true)
})

test('is up where no program can connect by the dial socket', async ({ open }) => {
  const session = await open({ dials: { tarpit: 'none', detail: 'firewalled' } })
  expect(session.dialSocket).toMatchObject({ tarpit: 'none', detail: 'firewalled' })
})

test('ends the way up when dials cannot be served', async ({ open }) => {
  await expect(open({ dialsFailure: 'busy' })).rejects.toMatchObject({
    code: 'ERR_SESSION_START',
    reason: 'busy',
    message: expect.stringMatching(
      /^cannot serve the dial socket \/.*\/dial\.sock: no dials today$/,
    ),
  })
})

test('serves dials elsewhere when its state directory has too long a path, while it is up', async ({
  open,
  directory,
}) => {
  vi.stubEnv('XDG_RUNTIME_DIR', directory)
  const stateDirectory = path.join(directory, 'd'.repeat(100))
  const session = await open({}, { stateDirectory })
  const { path: socket } = session.dialSocket
  expect(path.dirname(path.dirname(socket))).toBe(directory)
  expect(statSync(socket).isSocket()).toBe(true)
  await session.close()
  expect(readdirSync(directory)).toEqual([path.basename(stateDirectory)])
  await expect(open({ dialsFailure: 'busy' }, { stateDirectory })).rejects.toThrow()
  expect(readdirSync(directory)).toEqual([path.basename(stateDirectory)])
})

test('serves dials where a session that was killed left its socket', async ({
  open,
  directory,
}) => {
  const stateDirectory = path.join(directory, 'state')
  const killed = await open({ dieAfter: 'status' }, { stateDirectory })
  const down = happened(killed, 'down')
  await killed.status()
  await down
  await killed.close()
  expect(statSync(killed.dialSocket.path).isSocket()).toBe(true)
  const next = await open({}, { stateDirectory })
  expect(next.dialSocket.path).toBe(killed.dialSocket.path)
})

test('gives every run a password and a token of its own', async ({ open }) => {
  const session = await open()
  const first = await session.register('run-1', POLICY)
  const second = await session.register('run-2', POLICY)
  expect(first.password).toMatch(/^[0-9a-f]{32}$/)
  expect(first.token).toMatch(/^[0-9a-f]{32}$/)
  const secrets = [first.password, first.token, second.password, second.token]
  expect(new Set(secrets).size).toBe(4)
  await expect(session.register('run-1', POLICY)).rejects.toMatchObject({ reason: 'busy' })
})

test('resets the connections of a run that ends, and no others', async ({ open, echo }) => {
  const session = await open({ targets: { '100.64.0.1:7': echo } })
  const [first, second] = [
    await session.register('run-1', POLICY),
    await session.register('run-2', POLICY),
  ]
  const ends = await connectSocks5({ ...clientOf(session, first), destination: PEER })
  const stays = await connectSocks5({ ...clientOf(session, second), destination: PEER })
  const reset = new Promise((resolve) => ends.once('error', resolve))
  await session.unregister(first)
  expect(await reset).toMatchObject({ code: 'ECONNRESET' })
  stays.end('still here')
  expect(Buffer.concat(await stays.toArray()).toString()).toBe('still here')
})

const deciders: [string, NonNullable<Filter['outbound']>, boolean][] = [
  ['allows', () => ({ verdict: 'allow' }), true],
  ['allows later', async () => ({ verdict: 'allow' }), true],
  ['has no opinion', () => undefined, true],
  ['denies', () => ({ verdict: 'deny', reason: 'not today' }), false],
  ['throws', () => Promise.reject(new Error('oops')), false],
  ['answers nonsense', () => 'yes' as never, false],
]

test.for(deciders)(
  'leaves the verdict on a flow to a filter that %s',
  async ([, outbound, allowed], { open, echo }) => {
    const filters = createFilterChain([{ name: 'mine', outbound }])
    const session = await open({ targets: { '100.64.0.1:7': echo } }, { filters })
    const run = await session.register('run-1', POLICY)
    const connected = connectSocks5({ ...clientOf(session, run), destination: PEER }).then(
      (socket) => socket.destroy(),
    )
    if (allowed) await connected
    else await expect(connected).rejects.toMatchObject({ replyCode: 2 })
  },
)

test('disposes of its filters when it closes', async ({ open }) => {
  let disposed = 0
  const dispose = () => {
    disposed += 1
  }
  const filters = createFilterChain([{ name: 'mine', outbound: () => undefined, dispose }])
  const session = await open({}, { filters })
  await session.close()
  expect(disposed).toBe(1)
})

test('carries no payload itself', async ({ open, echo }) => {
  const session = await open({ targets: { '100.64.0.1:7': echo } })
  const run = await session.register('run-1', POLICY)
  const socket = await connectSocks5({ ...clientOf(session, run), destination: PEER })
  const { read, written } = session.channelTraffic
  socket.end(Buffer.alloc(1_000_000))
  expect(Buffer.concat(await socket.toArray())).toHaveLength(1_000_000)
  await session.status()
  expect(session.channelTraffic.read - read).toBeLessThan(5_000)
  expect(session.channelTraffic.written - written).toBeLessThan(5_000)
})

test('tells how much a flow has carried when it closes', async ({ open, echo }) => {
  const session = await open({ targets: { '100.64.0.1:7': echo } })
  const run = await session.register('run-1', POLICY)
  await session.watch()
  const closed = new Promise((resolve) => session.once('flowClosed', resolve))
  const socket = await connectSocks5({ ...clientOf(session, run), destination: PEER })
  socket.end('hello')
  await socket.toArray()
  expect(await closed).toMatchObject({ flow: 1, bytesUp: 5, bytesDown: 5 })
})

/** Resolves when `event` has happened `times` times, with the last one's argument. */
function happened(session: Session, event: 'up' | 'down', times = 1): Promise<unknown> {
  return new Promise((resolve) => {
    session.on(event, (reason?: Error) => {
      times -= 1
      if (times === 0) resolve(reason)
    })
  })
}

test('starts a sidecar that died anew, and serves the same runs at the same places', async ({
  open,
  echo,
  directory,
}) => {
  const session = await open({
    targets: { '100.64.0.1:7': echo },
    stderr: 'panic: oh no\n',
    dieAfter: 'fileCapabilities',
    dieOnce: path.join(directory, 'died'),
  })
  const run = await session.register('run-1', POLICY)
  await session.watch()
  const socket = await connectSocks5({ ...clientOf(session, run), destination: PEER })
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const [down, up] = [happened(session, 'down'), happened(session, 'up')]
  const { port, sidecarPid } = session
  await session.fileCapabilities('/bin/ping')
  expect(await down).toMatchObject({
    code: 'ERR_SIDECAR_EXITED',
    message: expect.stringContaining('panic: oh no'),
  })
  await closed
  await up
  expect(session.sidecarPid).not.toBe(sidecarPid)
  expect(session.port).toBe(port)
  const opened = new Promise((resolve) => session.once('flowOpened', resolve))
  const again = await connectSocks5({ ...clientOf(session, run), destination: PEER })
  expect(await opened).toMatchObject({ run: 'run-1' })
  again.end('hello')
  expect(Buffer.concat(await again.toArray()).toString()).toBe('hello')
})

test('registers a run that came while there was no sidecar with the next one', async ({
  open,
  directory,
}) => {
  const dieOnce = path.join(directory, 'died')
  const session = await open({ dieAfter: 'fileCapabilities', dieOnce })
  const down = happened(session, 'down')
  await session.fileCapabilities('/bin/ping')
  const reason = await down
  await expect(session.status()).rejects.toBe(reason)
  expect(session.downReason).toBe(reason)
  await session.register('run-1', POLICY)
  expect(await session.status()).toMatchObject({ state: 'running' })
})

test('ends a run, its filters and its control socket though the sidecar dies of it', async ({
  open,
  directory,
}) => {
  const session = await open({ dieAfter: 'unregister', dieOnce: path.join(directory, 'died') })
  let disposed = 0
  const dispose = () => {
    disposed += 1
  }
  const filters = createFilterChain([{ name: 'mine', outbound: () => undefined, dispose }])
  const run = await session.register('run-1', POLICY, { exports: {}, filters })
  await session.unregister(run)
  expect(disposed).toBe(1)
  expect(existsSync(run.control ?? '')).toBe(false)
})

test('goes on trying while a sidecar does not come up, until it is closed', async ({ open }) => {
  const session = await open({ dieAfter: 'status' })
  const down = happened(session, 'down')
  await session.status()
  await down
  // Each of the new ones dies as well, as soon as it is asked.
  await happened(session, 'up')
  const again = happened(session, 'down')
  await session.status()
  await again
  const waiting = session.register('run-1', POLICY)
  const refused = expect(waiting).rejects.toMatchObject({ code: 'ERR_SESSION_ENDED' })
  await session.close()
  await refused
})

test('closes in order, and twice is once', async ({ open }) => {
  const session = await open()
  const client = new RawClient(session)
  client.write([5])
  await Promise.all([session.close(), session.close()])
  expect(await session.ended).toMatchObject({ code: 'ERR_SESSION_ENDED' })
  await client.closed
  const server = createServer().listen(session.port, session.host)
  await new Promise((resolve) => server.once('listening', resolve))
  server.close()
})
