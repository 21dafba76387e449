import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { type AddressInfo, createServer, type Server } from 'node:net'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { createFilterChain } from '@tailproxy/port-filter'
import { type FakeSidecarBehaviour, fakeSidecar } from '@tailproxy/sidecar/fake'
import { getBoundAddress } from '@tailproxy/socks5/client'
import { Agent } from 'undici'
import { expect, expectTypeOf, vi } from 'vitest'
import { test as base } from '../testing/session.ts'
import { type ConnectOptions, connect } from './connect.ts'
import type { Tailnet } from './tailnet.ts'
import type { Connector } from './tailnet-connector.ts'

/** An address of no tailnet. */
const OUTSIDE = '192.0.2.7'

type Join = (behaviour?: FakeSidecarBehaviour, options?: ConnectOptions) => Promise<Tailnet>

const test = base.extend<{ join: Join; web: string }>({
  join: async ({ directory }, use) => {
    const joined: Tailnet[] = []
    await use(async (behaviour = {}, options = {}) => {
      const { binary, args, env } = fakeSidecar(behaviour)
      const sidecar = path.join(directory, 'sidecar')
      writeFileSync(sidecar, `#!/bin/sh\nexec "${binary}" "${args[0]}" "$@"\n`, { mode: 0o755 })
      vi.stubEnv('FAKE_SIDECAR', env['FAKE_SIDECAR'])
      vi.stubEnv('XDG_STATE_HOME', directory)
      vi.stubEnv('TMPDIR', directory)
      const tailnet = await connect({ sidecar, ...options })
      joined.push(tailnet)
      return tailnet
    })
    await Promise.all(joined.map((tailnet) => tailnet.close()))
  },
  /** A loopback web server that says which connection of its own a request came by. */
  web: async ({}, use) => {
    let connections = 0
    const number = new WeakMap<object, number>()
    const server = http.createServer(({ socket, headers }, response) => {
      if (!number.has(socket)) number.set(socket, ++connections)
      response.end(`${headers.host} by connection ${number.get(socket)}`)
    })
    await use(await listening(server))
    server.closeAllConnections()
    server.close()
  },
})

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const HELLO = { names: { hello: ['100.64.0.1'] } }

function get(url: string, agent: http.Agent): Promise<string> {
  const { request } = url.startsWith('https:') ? https : http
  return new Promise((resolve, reject) => {
    request(url, { agent }, (response) => resolve(text(response)))
      .once('error', reject)
      .end()
  })
}

test('joins as a node of its own', async ({ join }) => {
  const tailnet = await join({}, { hostname: 'my-program' })
  expect(tailnet.node).toMatchObject({ hostname: 'my-program', addresses: ['100.64.0.9'] })
})

test('dials by name, with a socket that is ready', async ({ join, echo }) => {
  const tailnet = await join({ ...HELLO, targets: { '100.64.0.1:7': echo } })
  const socket = await tailnet.dial({ host: 'hello', port: 7 })
  expect(socket.readyState).toBe('open')
  expect(getBoundAddress(socket)).toBeDefined()
  socket.end('hi there')
  expect(await text(socket)).toBe('hi there')
})

test('keeps its half of a connection open when it is asked to', async ({ join, echo }) => {
  const tailnet = await join({ targets: { '100.64.0.1:7': echo } })
  const socket = await tailnet.dial({ host: '100.64.0.1', port: 7, allowHalfOpen: true })
  socket.end('all of it')
  expect(await text(socket)).toBe('all of it')
})

test.for([
  ['refused', 'ERR_DIAL_REFUSED', 5],
  ['unreachable', 'ERR_DIAL_UNREACHABLE', 4],
  ['timed-out', 'ERR_DIAL_TIMED_OUT', 6],
  ['denied', 'ERR_DIAL_DENIED', 2],
  ['no-route', 'ERR_DIAL_NO_ROUTE', 3],
  ['exit-node-down', 'ERR_DIAL_NO_ROUTE', 3],
  ['internal', 'ERR_DIAL_FAILED', 1],
] as const)('a dial that is %s fails with %s', async ([reason, code, replyCode], { join }) => {
  const tailnet = await join({ dialFailures: { '100.64.0.1:80': reason } })
  await expect(tailnet.dial({ host: '100.64.0.1', port: 80 })).rejects.toMatchObject({
    name: 'DialError',
    code,
    replyCode,
    host: '100.64.0.1',
    port: 80,
    message: expect.stringContaining('cannot connect to 100.64.0.1:80: '),
    cause: { code: 'ERR_SOCKS5_REPLY' },
  })
})

test('tells a name that nobody has from a host that is away', async ({ join }) => {
  const tailnet = await join({ ...HELLO, dialFailures: { '100.64.0.1:80': 'unreachable' } })
  await expect(tailnet.dial({ host: 'helo', port: 80 })).rejects.toMatchObject({
    code: 'ERR_DIAL_NO_SUCH_HOST',
    replyCode: 4,
  })
  await expect(tailnet.dial({ host: 'hello', port: 80 })).rejects.toMatchObject({
    code: 'ERR_DIAL_UNREACHABLE',
  })
})

test.for([
  [{ host: '', port: 80 }, 'ERR_SOCKS5_DOMAIN_NAME'],
  [{ host: 'hello', port: 70_000 }, 'ERR_SOCKS5_FIELD'],
  [{ host: 'hello', port: Number.NaN }, 'ERR_SOCKS5_FIELD'],
] as const)('refuses to dial %j', async ([target, code], { join }) => {
  const tailnet = await join()
  await expect(tailnet.dial(target)).rejects.toMatchObject({ code })
})

test('ends a dial by its signal, with the reason', async ({ join }) => {
  const tailnet = await join()
  const reason = new Error('never mind')
  const signal = AbortSignal.abort(reason)
  await expect(tailnet.dial({ host: 'hello', port: 80, signal })).rejects.toBe(reason)
})

test('gives up a dial after the time it was given', async ({ join }) => {
  // A filter that never answers holds the dial; the time limit is the only way out.
  const filters = createFilterChain([{ name: 'slow', outbound: () => new Promise(() => {}) }])
  const tailnet = await join({ targets: { '100.64.0.1:80': '127.0.0.1:1' } }, { filters })
  await expect(tailnet.dial({ host: '100.64.0.1', port: 80, timeout: 50 })).rejects.toMatchObject({
    code: 'ERR_DIAL_TIMED_OUT',
    replyCode: undefined,
  })
})

test('asks its filters', async ({ join, echo }) => {
  const outbound = () => ({ verdict: 'deny', reason: 'not today' }) as const
  const filters = createFilterChain([{ name: 'mine', outbound }])
  const tailnet = await join({ targets: { '100.64.0.1:7': echo } }, { filters })
  await expect(tailnet.dial({ host: '100.64.0.1', port: 7 })).rejects.toMatchObject({
    code: 'ERR_DIAL_DENIED',
  })
})

test('an agent carries requests, and keeps connections alive', async ({ join, web }) => {
  const tailnet = await join({ ...HELLO, targets: { '100.64.0.1:80': web } })
  const agent = tailnet.agent({ keepAlive: true })
  expect(await get('http://hello/', agent)).toBe('hello by connection 1')
  expect(await get('http://hello/', agent)).toBe('hello by connection 1')
  expect(await get('http://hello/', tailnet.agent())).toBe('hello by connection 2')
})

test('a request by an agent fails with what the dial failed with', async ({ join }) => {
  const tailnet = await join({ dialFailures: { '100.64.0.1:80': 'refused' } })
  const code = 'ERR_DIAL_REFUSED'
  await expect(get('http://100.64.0.1/', tailnet.agent())).rejects.toMatchObject({ code })
  await expect(get('https://100.64.0.1:80/', tailnet.httpsAgent())).rejects.toMatchObject({ code })
})

test('an agent goes to no socket of this host', async ({ join }) => {
  const agent = (await join()).agent()
  const asked = new Promise((_, reject) => {
    http.request({ socketPath: '/run/any.sock', agent }).once('error', reject).end()
  })
  await expect(asked).rejects.toThrow('/run/any.sock is a socket of this host')
})

test('undici and fetch connect by its connector', async ({ join, web }) => {
  const tailnet = await join({ ...HELLO, targets: { '100.64.0.1:80': web } })
  const dispatcher = new Agent({ connect: tailnet.connector() })
  const { body } = await dispatcher.request({ origin: 'http://hello', path: '/', method: 'GET' })
  expect(await body.text()).toBe('hello by connection 1')
  // Node's own types are of the undici that it has built in.
  const init: object = { dispatcher }
  const response = await fetch('http://hello/', init)
  expect(await response.text()).toMatch(/^hello by connection \d$/)
  await expect(fetch('http://helo/', init)).rejects.toMatchObject({
    cause: { code: 'ERR_DIAL_NO_SUCH_HOST' },
  })
  await dispatcher.close()
})

test('leaves with its connections, and is left for good', async ({ join, echo }) => {
  const tailnet = await join({ targets: { '100.64.0.1:7': echo } })
  const socket = await tailnet.dial({ host: '100.64.0.1', port: 7 })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await Promise.all([tailnet.close(), tailnet.close()])
  // Nobody listens for errors of it, and there was none.
  expect(await closed).toBe(false)
  const late = tailnet.dial({ host: '100.64.0.1', port: 7 })
  await expect(late).rejects.toMatchObject({ code: 'ERR_SESSION_ENDED' })
})

test('a dial that is under way when the tailnet is left fails for that', async ({ join }) => {
  let ask = () => {}
  const isAsked = new Promise<void>((resolve) => {
    ask = resolve
  })
  const outbound = () => {
    ask()
    return new Promise<undefined>(() => {})
  }
  const filters = createFilterChain([{ name: 'slow', outbound }])
  const tailnet = await join({ targets: { '100.64.0.1:80': '127.0.0.1:1' } }, { filters })
  const dial = tailnet.dial({ host: '100.64.0.1', port: 80 })
  const refused = expect(dial).rejects.toMatchObject({ code: 'ERR_SESSION_ENDED' })
  await isAsked
  await tailnet.close()
  await refused
})

test('fails a dial while its sidecar is started anew, and dials by the next one', async ({
  join,
  echo,
  directory,
}) => {
  const dieOnce = path.join(directory, 'died')
  const targets = { '100.64.0.1:7': echo }
  const tailnet = await join({ targets, dieAfter: 'fileCapabilities', dieOnce })
  const down = new Promise((resolve) => tailnet.session.once('down', resolve))
  const up = new Promise((resolve) => tailnet.session.once('up', () => resolve(undefined)))
  await tailnet.session.fileCapabilities('/bin/ping')
  const cause = await down
  const target = { host: '100.64.0.1', port: 7 }
  await expect(tailnet.dial(target)).rejects.toMatchObject({ code: 'ERR_DIAL_FAILED', cause })
  await up
  const socket = await tailnet.dial(target)
  socket.end('again')
  expect(await text(socket)).toBe('again')
})

test('is disposed of by "await using"', async ({ join }) => {
  const tailnet = await join()
  await tailnet[Symbol.asyncDispose]()
  await expect(tailnet.dial({ host: 'hello', port: 80 })).rejects.toMatchObject({
    code: 'ERR_SESSION_ENDED',
  })
})

test('keeps its keys by hostname and control server, and those of an ephemeral node nowhere', async ({
  join,
  directory,
}) => {
  await join({}, { hostname: 'one', controlUrl: 'http://127.0.0.1:9' })
  const state = path.join(directory, 'tailproxy/programs/one@http-127.0.0.1-9')
  expect(statSync(state).mode & 0o777).toBe(0o700)
  const before = readdirSync(directory)
  const ephemeral = await join({}, { ephemeral: true })
  const [made = ''] = readdirSync(directory).filter((name) => !before.includes(name))
  expect(made).toMatch(/^tailproxy-program-/)
  await ephemeral.close()
  expect(existsSync(path.join(directory, made))).toBe(false)
})

test('leaves nothing of an ephemeral node that did not come up', async ({ join, directory }) => {
  const startFailure = { code: 'denied', message: 'the key is spent' } as const
  await expect(join({ startFailure }, { ephemeral: true })).rejects.toMatchObject({
    code: 'ERR_SESSION_START',
    reason: 'denied',
  })
  expect(readdirSync(directory)).toEqual(['sidecar'])
})

test('says where to log in when nobody would be told', async ({ join }) => {
  const authUrl = 'https://login.example/a/1'
  await expect(join({ authUrl, neverStarts: true })).rejects.toMatchObject({
    code: 'ERR_SESSION_LOGIN',
    url: authUrl,
  })
  const urls: string[] = []
  await join({ authUrl }, { onAuthUrl: (url) => urls.push(url) })
  expect(urls).toEqual([authUrl])
})

test('is not joined when its exit node is not verified', async ({ join }) => {
  await expect(join({}, { exitNode: 'berlin' })).rejects.toMatchObject({
    code: 'ERR_SESSION_START',
  })
  const node = { id: 'n1', name: 'berlin.example.ts.net', addresses: ['100.64.0.3'], online: true }
  expect((await join({}, { exitNode: '' })).session.exitNode.nodes).toEqual([])
  const tailnet = await join({ exitNodes: [node as never] }, { exitNode: ['berlin', 'auto'] })
  expect(tailnet.session.exitNode).toEqual({ nodes: ['berlin', 'auto'], lanAccess: false })
})

test('never goes past the tailnet', async ({ join }) => {
  const server = createServer((socket) => socket.destroy())
  const port = Number((await listening(server)).split(':')[1])
  const tailnet = await join()
  for (const host of ['127.0.0.1', 'localhost', OUTSIDE]) {
    await expect(tailnet.dial({ host, port })).rejects.toMatchObject({ name: 'DialError' })
  }
  server.close()
})

test.for([
  [{ hostname: 'my program' }, 'hostname is "my program"; give letters'],
  [{ hostname: '' }, 'hostname is ""; give letters'],
  [{ controlUrl: 'headscale.example' }, 'controlUrl is "headscale.example"; give a URL'],
  [{ authkey: 'tskey-1' } as object, 'there is no option authkey; allowed are hostname, authKey,'],
  [{ controlUrl: 'ftp://headscale.example' }, 'controlUrl is "ftp://headscale.example"'],
] as const)('refuses the options %j', async ([options, message], { join }) => {
  await expect(join({}, options)).rejects.toMatchObject({
    code: 'ERR_SESSION_OPTIONS',
    message: expect.stringContaining(message),
  })
})

test('ends the way up by its signal, with the reason', async ({ join }) => {
  const reason = new Error('never mind')
  const signal = AbortSignal.abort(reason)
  await expect(join({ neverStarts: true }, { signal })).rejects.toBe(reason)
})

test('types are what a user counts on', () => {
  expectTypeOf(connect).returns.toEqualTypeOf<Promise<Tailnet>>()
  expectTypeOf<Tailnet['agent']>().returns.toEqualTypeOf<http.Agent>()
  expectTypeOf<Tailnet['httpsAgent']>().returns.toEqualTypeOf<https.Agent>()
  expectTypeOf<Connector>().toExtend<NonNullable<Agent.Options['connect']>>()
})
