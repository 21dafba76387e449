import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { ERROR_CODES, replyOf } from '@tailproxy/sidecar'
import {
  encodeCredentials,
  encodeGreeting,
  encodeRequest,
  type Request,
  toSocksAddress,
} from '@tailproxy/socks5'
import {
  connectSocks5,
  getBoundAddress,
  resolvePtrSocks5,
  resolveSocks5,
} from '@tailproxy/socks5/client'
import { describe, expect } from 'vitest'
import { clientOf, POLICY, RawClient, test } from '../testing/session.ts'
import type { Run } from './run.ts'

const PEER = { hello: ['100.64.0.1', 'fd7a:115c:a1e0::1'] }

function greetingAndCredentials({ user, password }: Run): Uint8Array[] {
  return [encodeGreeting({ methods: [2] }), encodeCredentials({ username: user, password })]
}

function requestFor(host: string, port: number, command: Request['command'] = 'connect') {
  return encodeRequest({ command, destination: toSocksAddress(host, port) })
}

/** What a client hears of a successful greeting and login. */
const WELCOME = Buffer.from([5, 2, 1, 0])
/** A refusal of a request: with the unspecified address, RFC 1928 section 6. */
const refusal = (reply: number) => Buffer.from([5, reply, 0, 1, 0, 0, 0, 0, 0, 0])
const SUCCESS = Buffer.from([5, 0, 0, 1, 100, 64, 0, 9, 0x30, 0x39])

describe('CONNECT', () => {
  test.for(['hello', '100.64.0.1', 'fd7a:115c:a1e0::1'])(
    'reaches a peer as %s',
    async (host, { open, echo }) => {
      const targets = { '100.64.0.1:7': echo, '[fd7a:115c:a1e0::1]:7': echo }
      const session = await open({ names: PEER, targets })
      const run = await session.register('run-1', POLICY)
      const destination = { host, port: 7 }
      const socket = await connectSocks5({ ...clientOf(session, run), destination })
      expect(getBoundAddress(socket)).toMatchObject({ host: '100.64.0.9', port: 12_345 })
      socket.end('hello')
      const chunks = await socket.toArray()
      expect(Buffer.concat(chunks).toString()).toBe('hello')
    },
  )

  test('carries curl (skipped: needs curl)', async ({ open, skip }) => {
    const curl = await promisify(execFile)('curl', ['--version']).catch(() => undefined)
    skip(!curl)
    const server = createHttpServer((request, response) => {
      response.end(`for ${request.headers.host}`)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const targets = { '100.64.0.1:80': `127.0.0.1:${port}` }
    const session = await open({ names: PEER, targets })
    const { user, password } = await session.register('run-1', POLICY)
    const proxy = `socks5h://${user}:${password}@${session.host}:${session.port}`
    const { stdout } = await promisify(execFile)('curl', [
      '--silent',
      '--show-error',
      '--noproxy',
      '',
      '--proxy',
      proxy,
      'http://hello/',
    ])
    server.close()
    expect(stdout).toBe('for hello')
  })

  test('needs one write, and loses nothing that came behind it', async ({ open, echo }) => {
    const session = await open({ targets: { '100.64.0.1:7': echo } })
    const run = await session.register('run-1', POLICY)
    const client = new RawClient(session)
    const early = Buffer.alloc(3_000, 'early bytes')
    client.write(...greetingAndCredentials(run), requestFor('100.64.0.1', 7), early)
    expect(await client.read(14)).toEqual(Buffer.concat([WELCOME, SUCCESS]))
    client.socket.end(' and late ones')
    expect((await client.readAll()).toString()).toBe(`${early} and late ones`)
  })

  test('takes the handshake byte by byte', async ({ open, echo }) => {
    const session = await open({ targets: { '100.64.0.1:7': echo } })
    const run = await session.register('run-1', POLICY)
    const client = new RawClient(session)
    client.socket.setNoDelay()
    const handshake = [...greetingAndCredentials(run), requestFor('100.64.0.1', 7)]
    for (const byte of Buffer.concat(handshake)) {
      await new Promise((resolve) => client.socket.write(Buffer.of(byte), resolve))
      await session.status()
    }
    client.socket.end('hello')
    expect(await client.readAll()).toEqual(Buffer.concat([WELCOME, SUCCESS, Buffer.from('hello')]))
  })

  test.for(ERROR_CODES)(
    'tells of a dial that fails with %s by its reply',
    async (code, { open }) => {
      const session = await open({ dialFailures: { '100.64.0.1:7': code } })
      const run = await session.register('run-1', POLICY)
      const destination = { host: '100.64.0.1', port: 7 }
      await expect(connectSocks5({ ...clientOf(session, run), destination })).rejects.toMatchObject(
        { replyCode: replyOf(code) },
      )
    },
  )

  test('tells of a name that there is not by reply 4', async ({ open }) => {
    const session = await open()
    const run = await session.register('run-1', POLICY)
    const destination = { host: 'nobody', port: 7 }
    await expect(connectSocks5({ ...clientOf(session, run), destination })).rejects.toMatchObject({
      replyCode: 4,
    })
  })

  test('names the run of each flow', async ({ open, echo }) => {
    const session = await open({ targets: { '100.64.0.1:7': echo } })
    const flows: unknown[] = []
    await session.watch()
    session.on('flowOpened', ({ run }) => flows.push(run))
    for (const user of ['run-1', 'run-2']) {
      const run = await session.register(user, POLICY)
      const destination = { host: '100.64.0.1', port: 7 }
      const socket = await connectSocks5({ ...clientOf(session, run), destination })
      socket.destroy()
    }
    await session.status()
    expect(flows).toEqual(['run-1', 'run-2'])
  })
})

describe('credentials', () => {
  test.for([
    ['a wrong password', 'run-1', 'wrong'],
    ['an unknown user', 'run-2', undefined],
    ['the name of an object member', 'constructor', undefined],
  ] as const)('refuses %s', async ([, username, wrong], { open, echo }) => {
    const session = await open({ targets: { '100.64.0.1:7': echo } })
    const { password } = await session.register('run-1', POLICY)
    const credentials = { username, password: wrong ?? password }
    const proxy = { host: session.host, port: session.port }
    const destination = { host: '100.64.0.1', port: 7 }
    await expect(connectSocks5({ proxy, credentials, destination })).rejects.toMatchObject({
      name: 'AuthenticationError',
    })
  })

  test('lets nobody in without', async ({ open }) => {
    const session = await open()
    const client = new RawClient(session)
    client.write(encodeGreeting({ methods: [0] }))
    expect(await client.readAll()).toEqual(Buffer.from([5, 0xff]))
  })

  test('are void when the run is over', async ({ open, echo }) => {
    const session = await open({ targets: { '100.64.0.1:7': echo } })
    const run = await session.register('run-1', POLICY)
    await session.unregister(run)
    const destination = { host: '100.64.0.1', port: 7 }
    await expect(connectSocks5({ ...clientOf(session, run), destination })).rejects.toMatchObject({
      name: 'AuthenticationError',
    })
  })

  test.for(['connect', 'resolve'] as const)(
    'of a run that has ended since allow no %s',
    async (command, { open, echo }) => {
      const session = await open({ names: PEER, targets: { '100.64.0.1:7': echo } })
      const run = await session.register('run-1', POLICY)
      const client = new RawClient(session)
      client.write(...greetingAndCredentials(run))
      expect(await client.read(4)).toEqual(WELCOME)
      await session.unregister(run)
      client.write(requestFor('hello', 7, command))
      expect(await client.readAll()).toEqual(refusal(2))
    },
  )
})

describe('RESOLVE', () => {
  const names = { both: ['100.64.0.1', 'fd7a:115c:a1e0::1'], six: ['fd7a:115c:a1e0::2'] }

  test('finds an address of either family', async ({ open }) => {
    const session = await open({ names })
    const client = clientOf(session, await session.register('run-1', POLICY))
    expect(await resolveSocks5({ ...client, name: 'both' })).toBe('100.64.0.1')
    expect(await resolveSocks5({ ...client, name: 'six' })).toBe('fd7a:115c:a1e0::2')
  })

  test.for([
    ['an IPv4 address for type A', 'both', 1, [5, 0, 0, 1, 100, 64, 0, 1, 0, 0]],
    ['an IPv6 address for type AAAA', 'both', 28, [5, 0, 0, 4, 0xfd, 0x7a]],
    ['no IPv4 address where there is none', 'six', 1, [5, 4]],
    ['no address of a name that there is not', 'nobody', 0, [5, 4]],
    ['an address itself', '192.0.2.7', 0, [5, 0, 0, 1, 192, 0, 2, 7, 0, 0]],
  ] as const)('answers with %s', async ([, name, type, reply], { open }) => {
    const session = await open({ names })
    const run = await session.register('run-1', POLICY)
    const client = new RawClient(session)
    client.write(...greetingAndCredentials(run), requestFor(name, type, 'resolve'))
    const said = await client.readAll()
    expect(said.subarray(0, 4)).toEqual(WELCOME)
    expect([...said.subarray(4, 4 + reply.length)]).toEqual([...reply])
  })

  test('finds the name of an address', async ({ open }) => {
    const session = await open({ names })
    const client = clientOf(session, await session.register('run-1', POLICY))
    expect(await resolvePtrSocks5({ ...client, address: 'fd7a:115c:a1e0::2' })).toBe('six')
    await expect(resolvePtrSocks5({ ...client, address: '192.0.2.7' })).rejects.toMatchObject({
      replyCode: 4,
    })
  })

  test.for([
    ['timed-out', 6],
    ['not-connected', 3],
  ] as const)(
    'tells of a resolver that fails with %s by reply %i',
    async ([code, reply], { open }) => {
      const session = await open({ names, resolveFailure: code })
      const client = clientOf(session, await session.register('run-1', POLICY))
      await expect(resolveSocks5({ ...client, name: 'both' })).rejects.toMatchObject({
        replyCode: reply,
      })
    },
  )

  test('fails in general for a name that no reply can carry', async ({ open }) => {
    const session = await open({ names: { ['x'.repeat(300)]: ['100.64.0.7'] } })
    const client = clientOf(session, await session.register('run-1', POLICY))
    await expect(resolvePtrSocks5({ ...client, address: '100.64.0.7' })).rejects.toMatchObject({
      replyCode: 1,
    })
  })
})

describe('a client that does not keep to the protocol', () => {
  test.for([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['SOCKS4', [4, 1, 0, 80, 100, 64, 0, 1, 0]],
  ] as const)('is closed without a word after %s', async ([, bytes], { open }) => {
    const client = new RawClient(await open())
    client.write(bytes)
    expect(await client.readAll()).toEqual(Buffer.alloc(0))
  })

  test('is told of a failed login after credentials of another version', async ({ open }) => {
    const client = new RawClient(await open())
    client.write(encodeGreeting({ methods: [2] }), [7, 1, 0x61, 1, 0x61])
    expect(await client.readAll()).toEqual(Buffer.from([5, 2, 1, 1]))
  })

  test.for([
    ['BIND', 7, [5, 2, 0, 1, 100, 64, 0, 1, 0, 7]],
    ['UDP ASSOCIATE', 7, [5, 3, 0, 1, 0, 0, 0, 0, 0, 0]],
    ['an unknown command', 7, [5, 9, 0, 1, 100, 64, 0, 1, 0, 7]],
    ['an unknown address type', 8, [5, 1, 0, 2, 100, 64, 0, 1, 0, 7]],
    ['another version', 1, [4, 1, 0, 1, 100, 64, 0, 1, 0, 7]],
  ] as const)('is told by a reply after %s', async ([, reply, bytes], { open }) => {
    const session = await open()
    const run = await session.register('run-1', POLICY)
    const client = new RawClient(session)
    client.write(...greetingAndCredentials(run), bytes)
    expect(await client.readAll()).toEqual(Buffer.concat([WELCOME, refusal(reply)]))
  })

  test('leaves no trace when it goes away in the middle', async ({ open }) => {
    const session = await open()
    const client = new RawClient(session)
    client.write([5])
    await once(client.socket, 'connect')
    client.socket.destroy()
    await client.closed
    await expect.poll(async () => (await session.status()).negotiating).toBe(0)
  })
})
