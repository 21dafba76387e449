import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { collectSettings, type RawSettings } from '@tailproxy/config'
import { connectSocks5 } from '@tailproxy/socks5/client'
import { expect, vi } from 'vitest'
import { hostTest as test } from '../testing/session.ts'
import { awaitReady, type JoinedRun, joinSession } from './join-session.ts'
import type { JoinRequest, RunEvent, RunJoined } from './run-messages.ts'
import { SessionClient } from './session-client.ts'
import type { SessionHost } from './session-host.ts'

const PEER = { host: '100.64.0.1', port: 7 }

async function requestOf(
  flags: Record<string, string> = {},
  more: Partial<JoinRequest> = {},
): Promise<JoinRequest> {
  const settings: RawSettings = await collectSettings({ flags, env: {} })
  return { command: ['curl', 'http://hello/'], pid: process.pid, cwd: '/', settings, ...more }
}

async function join(host: SessionHost, flags: Record<string, string> = {}): Promise<JoinedRun> {
  return joinSession(host.socketPath, await requestOf(flags))
}

function clientOf({ access }: RunJoined) {
  const { host, port, user, password } = access
  return { proxy: { host, port }, credentials: { username: user, password } }
}

async function untilEvent(run: JoinedRun, name: RunEvent['event']): Promise<RunEvent> {
  for await (const event of run.events()) if (event.event === name) return event
  throw new Error(`no event ${name}`)
}

test('gives a command that joins what it needs to use the session', async ({ host, echo }) => {
  const session = await host({ targets: { '100.64.0.1:7': echo } })
  const { joined, leave } = await join(session)
  expect(joined).toMatchObject({
    run: 'run-1',
    session: session.file,
    node: { name: 'tailproxy.fake.ts.net', addresses: ['100.64.0.9'] },
    fileCapabilities: false,
    settings: { verbose: false, onlyTailnet: false, bypass: [] },
  })
  const socket = await connectSocks5({ ...clientOf(joined), destination: PEER })
  socket.end('hello')
  expect(Buffer.concat(await socket.toArray()).toString()).toBe('hello')
  leave()
})

test('tells each run apart, and lists them with their commands', async ({ host }) => {
  const session = await host()
  const [first, second] = [await join(session), await join(session)]
  expect(first.joined.access.token).not.toBe(second.joined.access.token)
  const client = new SessionClient(session.socketPath)
  expect(await client.status()).toMatchObject({
    pid: process.pid,
    state: 'running',
    runs: [
      { run: 'run-1', command: ['curl', 'http://hello/'], lingering: false },
      { run: 'run-2', pid: process.pid },
    ],
  })
  first.leave()
  await vi.waitFor(async () => expect((await client.status()).runs).toHaveLength(1))
})

test('keeps a run whose command has ended while something of it is left', async ({
  host,
  echo,
}) => {
  const session = await host({ targets: { '100.64.0.1:7': echo } })
  const { joined, leave } = await join(session)
  const left = await connectSocks5({ ...clientOf(joined), destination: PEER })
  leave()
  const client = new SessionClient(session.socketPath)
  await vi.waitFor(async () =>
    expect((await client.status()).runs).toMatchObject([{ lingering: true }]),
  )
  left.end('still here')
  expect(Buffer.concat(await left.toArray()).toString()).toBe('still here')
  await vi.waitFor(async () => expect((await client.status()).runs).toEqual([]))
  await expect(connectSocks5({ ...clientOf(joined), destination: PEER })).rejects.toThrow()
})

test('serves before the node is up, and tells those who wait how far it is', async ({ host }) => {
  const session = await host({
    states: ['starting', 'needs-login'],
    authUrl: 'https://log.in/1',
    neverStarts: true,
  })
  const waited: object[] = []
  const controller = new AbortController()
  const reason = new Error('never mind')
  const { signal } = controller
  const onWait = (progress: object): void => {
    waited.push(progress)
    if ('url' in progress) controller.abort(reason)
  }
  await expect(joinSession(session.socketPath, await requestOf(), { onWait, signal })).rejects.toBe(
    reason,
  )
  expect(waited.at(-1)).toMatchObject({ state: 'needs-login', url: 'https://log.in/1' })
  const status = await new SessionClient(session.socketPath).status()
  expect(status).toMatchObject({ state: 'needs-login', url: 'https://log.in/1', runs: [] })
})

test('tells everybody who waits why the node did not come up, and ends', async ({ host }) => {
  const session = await host({
    startFailure: { code: 'denied', message: 'the key has expired' },
  })
  const refused = join(session)
  await expect(refused).rejects.toMatchObject({
    code: 'ERR_SESSION_REFUSED',
    reason: 'denied',
    message: 'the key has expired',
  })
  expect(await session.ended).toMatchObject({ reason: 'denied' })
  expect(existsSync(session.socketPath)).toBe(false)
})

test('refuses a command that wants another node, and names both', async ({ host }) => {
  const session = await host({}, { hostname: 'laptop' })
  await expect(join(session, { hostname: 'desktop' })).rejects.toMatchObject({
    reason: 'other-session',
    message: expect.stringMatching(
      /^--hostname is "desktop", but the session that runs has "laptop"/,
    ),
  })
  const { leave } = await join(session, { hostname: 'laptop' })
  leave()
})

test('says how the exit node of all is switched to one that wants another', async ({ host }) => {
  const session = await host()
  await expect(join(session, { exitNode: 'berlin,auto' })).rejects.toThrow(
    /^--exit-node is "berlin,auto", but the session that runs has none; .*tailproxy exit-node set/,
  )
})

test('refuses settings that are none, and names the place', async ({ host }) => {
  const session = await host()
  await expect(join(session, { udp: 'maybe' })).rejects.toMatchObject({
    reason: 'invalid',
    message: expect.stringMatching(/^--udp is "maybe"; allowed is proxy, block or direct$/),
  })
})

test('gives each run filters of its own', async ({ host, echo, directory }) => {
  writeFileSync(
    path.join(directory, 'no.mjs'),
    `export default () => ({ name: 'no', outbound: () => ({ verdict: 'deny', reason: 'not today' }) })`,
  )
  const session = await host({ targets: { '100.64.0.1:7': echo } })
  const request = await requestOf({ filters: './no.mjs' }, { cwd: directory })
  const denied = await joinSession(session.socketPath, request)
  const allowed = await join(session)
  await expect(
    connectSocks5({ ...clientOf(denied.joined), destination: PEER }),
  ).rejects.toMatchObject({ replyCode: 2 })
  const socket = await connectSocks5({ ...clientOf(allowed.joined), destination: PEER })
  socket.destroy()
})

test('tells a command that wants to know of its own flows, and of no other’s', async ({
  host,
  echo,
}) => {
  const session = await host({ targets: { '100.64.0.1:7': echo } })
  const [loud, quiet] = [await join(session, { verbose: 'true' }), await join(session)]
  for (const { joined } of [quiet, loud]) {
    const socket = await connectSocks5({ ...clientOf(joined), destination: PEER })
    socket.end()
    await socket.toArray()
  }
  const said: string[] = []
  for await (const event of loud.events()) {
    if (event.event === 'said') said.push(event.message)
    if (said.length === 2) break
  }
  expect(said[0]).toMatch(/^flow 2: 100\.64\.0\.1:7 on the tailnet/)
  expect(said[1]).toMatch(/^flow 2: closed after/)
})

test('tells its commands when the sidecar died, and when another is up', async ({
  host,
  directory,
}) => {
  const dieOnce = path.join(directory, 'died')
  const session = await host({ dieAfter: 'fileCapabilities', dieOnce })
  const run = await join(session)
  await (await session.ready).fileCapabilities('/bin/ping')
  const events = run.events()
  expect((await events[Symbol.asyncIterator]().next()).value).toMatchObject({ event: 'down' })
  expect((await events[Symbol.asyncIterator]().next()).value).toEqual({ event: 'up' })
})

test('tells its commands that it ends', async ({ host }) => {
  const session = await host()
  const run = await join(session)
  const ended = untilEvent(run, 'ended')
  const pid = await new SessionClient(session.socketPath).stop()
  expect(pid).toBe(process.pid)
  expect(await ended).toEqual({ event: 'ended', message: 'the session was ended' })
  await session.ended
})

test('leaves nothing in the state directory but what is its node’s', async ({ host }) => {
  const session = await host()
  expect(statSync(session.socketPath).mode & 0o777).toBe(0o600)
  expect(JSON.parse(readFileSync(session.file, 'utf8'))).toMatchObject({ pid: process.pid })
  await session.close()
  expect(readdirSync(session.stateDirectory)).toEqual([])
})

test('ends when nobody has used it for a while', async ({ host }) => {
  const session = await host({}, {}, { idleTimeout: 50 })
  expect(await session.ended).toMatchObject({
    code: 'ERR_SESSION_ENDED',
    message: 'nobody used the session for a while',
  })
})

test('stays while a command is in it, while it is pinned, and while it exports', async ({
  host,
  echo,
}) => {
  const session = await host({}, {}, { idleTimeout: 30 })
  const leaveTest = session.presence.enter()
  const { leave } = await join(session)
  leaveTest()
  const client = new SessionClient(session.socketPath)
  await client.pin(true)
  leave()
  await vi.waitFor(async () => expect((await client.status()).runs).toEqual([]))
  expect(await client.status()).toMatchObject({ pinned: true })
  const port = Number(echo.split(':')[1])
  await client.export({ port })
  await client.pin(false)
  // Longer than the timeout, by what it looks at itself.
  let looks = 0
  vi.spyOn(session.presence, 'postpone').mockImplementation(() => {
    looks += 1
    Reflect.apply(Object.getPrototypeOf(session.presence).postpone, session.presence, [])
  })
  await vi.waitFor(() => expect(looks).toBeGreaterThan(1))
  await client.unexport(port)
  expect(await session.ended).toMatchObject({ code: 'ERR_SESSION_ENDED' })
})

test('says when it leaves, unless something is exported', async ({ host, echo }) => {
  const session = await host({}, {}, { idleTimeout: 60_000 })
  await session.ready
  const client = new SessionClient(session.socketPath)
  await vi.waitFor(async () => expect((await client.status()).idleAt).toBeDefined())
  const port = Number(echo.split(':')[1])
  await client.export({ port })
  expect((await client.status()).idleAt).toBeUndefined()
  await client.unexport(port)
  await vi.waitFor(async () => expect((await client.status()).idleAt).toBeDefined())
})

test('tells who waits for the node alone when it is up', async ({ host }) => {
  const session = await host()
  expect(await awaitReady(session.socketPath, {})).toEqual({
    event: 'ready',
    node: { name: 'tailproxy.fake.ts.net', addresses: ['100.64.0.9'] },
  })
})
