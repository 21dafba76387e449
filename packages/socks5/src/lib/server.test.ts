import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, vi } from 'vitest'
import {
  connectByName,
  connectRequest,
  deferred,
  greeting,
  hasIpv6,
  login,
  test,
} from '../testing/sockets.ts'
import { encodeGreeting } from './greeting.ts'
import { concat } from './octets.ts'
import { encodeRequest } from './request.ts'
import { compareCredentials } from './safe-equal.ts'
import { createSocks5Server } from './server.ts'

const stored = { username: 'tsnet', password: 'secret' }

describe('CONNECT', () => {
  test('copies both ways', async ({ startProxy, open, echo }) => {
    const { at } = await startProxy()
    const client = await open(at)
    expect(await client.send(greeting).read(2)).toEqual([5, 0])
    expect(await client.send(connectRequest(echo)).readReply()).toMatchObject({ replyCode: 0 })
    expect(await client.send('ping').readText(4)).toBe('ping')
  })

  test('tells the address it connected from', async ({ startProxy, open, target }) => {
    const { at } = await startProxy()
    const client = (await open(at)).send(greeting, connectRequest(target))
    await client.read(2)
    const [{ bound }, far] = await Promise.all([client.readReply(), target.accept()])
    const { remoteAddress: host, remotePort: port } = far.socket
    expect(bound).toEqual({ type: 'ipv4', host, port })
  })

  test('takes a whole handshake with payload in one write', async ({ startProxy, open, echo }) => {
    const { at } = await startProxy({ authenticate: (given) => compareCredentials(given, stored) })
    const client = await open(at)
    client.send(login('tsnet', 'secret'), connectRequest(echo), 'ping')
    expect(await client.read(4)).toEqual([5, 2, 1, 0])
    expect(await client.readReply()).toMatchObject({ replyCode: 0 })
    expect(await client.readText(4)).toBe('ping')
  })

  test('takes a handshake a byte at a time', async ({ startProxy, open, echo }) => {
    const { at } = await startProxy()
    const client = await open(at)
    for (const octet of concat(greeting, connectRequest(echo))) {
      client.socket.write(Uint8Array.of(octet))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await client.read(2)
    expect(await client.readReply()).toMatchObject({ replyCode: 0 })
  })

  test('keeps what is sent while it dials', async ({ startProxy, open }) => {
    const far = new PassThrough()
    const dialing = deferred<PassThrough>()
    const dial = vi.fn(() => dialing.promise)
    const { at } = await startProxy({ dial })
    const client = (await open(at)).send(greeting, connectByName('a', 1), 'one ')
    await vi.waitFor(() => expect(dial).toHaveBeenCalled())
    client.send('two ')
    dialing.resolve(far)
    await client.read(2)
    expect(await client.readReply()).toMatchObject({
      replyCode: 0,
      bound: { host: '0.0.0.0', port: 0 },
    })
    expect(await client.send('three').readText(13)).toBe('one two three')
  })

  test('carries megabytes unharmed', async ({ startProxy, open, echo }) => {
    const { at } = await startProxy()
    const client = (await open(at)).send(greeting, connectRequest(echo))
    await client.read(12)
    const sent = Buffer.alloc(4_000_000, Buffer.from('0123456789abcdef!'))
    client.send(sent)
    expect(Buffer.from(await client.read(sent.length)).equals(sent)).toBe(true)
  })
})

describe('a flood', () => {
  test('sent while it dials is not lost', async ({ startProxy, open }) => {
    const far = new PassThrough()
    const dialing = deferred<PassThrough>()
    const dial = vi.fn(() => dialing.promise)
    const { at } = await startProxy({ dial })
    const client = (await open(at)).send(greeting, connectByName('a', 1))
    await vi.waitFor(() => expect(dial).toHaveBeenCalled())
    const sent = Buffer.alloc(4_000_000, Buffer.from('0123456789abcdef!'))
    client.send(sent)
    dialing.resolve(far)
    await client.read(12)
    expect(Buffer.from(await client.read(sent.length)).equals(sent)).toBe(true)
  })

  test('of garbage breaks no server', async ({ startProxy, open, echo }) => {
    const { at } = await startProxy({ handshakeTimeout: 5_000 })
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), fc.boolean(), async (bytes, greets) => {
        const client = await open(at)
        client.socket.end(concat(greets ? greeting : bytes, bytes))
        await client.drained()
      }),
      { numRuns: 50 },
    )
    const client = (await open(at)).send(greeting, connectRequest(echo), 'ping')
    await client.read(12)
    expect(await client.readText(4)).toBe('ping')
  })
})

describe('ends', () => {
  test('are carried to the target, which may go on', async ({ startProxy, open, target }) => {
    const { at } = await startProxy()
    const client = (await open(at)).send(greeting, connectRequest(target))
    await client.read(12)
    const far = await target.accept()
    client.socket.end('bye')
    expect(await far.readText(3)).toBe('bye')
    expect(await far.ended()).toBe(true)
    far.send('still here')
    expect(await client.readText(10)).toBe('still here')
    far.socket.end()
    expect(await client.ended()).toBe(true)
  })

  test('are carried to the client, which may go on', async ({ startProxy, open, target }) => {
    const { at } = await startProxy()
    const client = (await open(at)).send(greeting, connectRequest(target))
    await client.read(12)
    const far = await target.accept()
    far.socket.end()
    expect(await client.ended()).toBe(true)
    client.send('still here')
    expect(await far.readText(10)).toBe('still here')
  })

  test('that come with the request are carried, too', async ({ startProxy, open, target }) => {
    const { at } = await startProxy()
    const client = await open(at)
    client.socket.end(concat(greeting, connectRequest(target), Buffer.from('all')))
    const far = await target.accept()
    expect(await far.readText(3)).toBe('all')
    expect(await far.ended()).toBe(true)
    far.socket.end('answer')
    await client.read(12)
    expect(await client.readText(6)).toBe('answer')
  })

  test('by reset reach the target as a reset', async ({ startProxy, open, target }) => {
    const { proxy, at } = await startProxy()
    const closed = once(proxy, 'client:closed')
    const client = (await open(at)).send(greeting, connectRequest(target))
    await client.read(12)
    const far = await target.accept()
    client.socket.resetAndDestroy()
    expect(await far.reset()).toBe(true)
    expect(await closed).toMatchObject([{ username: undefined }, { code: 'ECONNRESET' }])
  })

  test('by reset reach the client as a reset', async ({ startProxy, open, target }) => {
    const { at } = await startProxy()
    const client = (await open(at)).send(greeting, connectRequest(target))
    await client.read(12)
    const far = await target.accept()
    far.socket.resetAndDestroy()
    expect(await client.reset()).toBe(true)
  })
})

describe('a dial', () => {
  test.for([
    ['ECONNREFUSED', 5],
    ['ENETUNREACH', 3],
    ['EHOSTUNREACH', 4],
    ['ETIMEDOUT', 6],
    ['EACCES', 2],
    ['EPERM', 2],
    ['ENOTFOUND', 4],
    ['EAI_AGAIN', 4],
    ['EWHATEVER', 1],
  ] as const)(
    'that fails with %s gets reply %i',
    async ([code, replyCode], { startProxy, open }) => {
      const dial = () => Promise.reject(Object.assign(new Error(code), { code }))
      const { at } = await startProxy({ dial })
      const client = (await open(at)).send(greeting, connectByName('a', 1))
      await client.read(2)
      expect(await client.readReply()).toEqual({
        replyCode,
        bound: { type: 'ipv4', host: '0.0.0.0', port: 0 },
      })
      expect(await client.ended()).toBe(true)
    },
  )

  test('to a closed port is refused', async ({ startProxy, open }) => {
    const { proxy, at } = await startProxy()
    const other = await startProxy()
    await other.proxy.close()
    const failed = once(proxy, 'client:failed')
    const client = (await open(at)).send(greeting, connectRequest(other.at))
    await client.read(2)
    expect(await client.readReply()).toMatchObject({ replyCode: 5 })
    expect(await failed).toMatchObject([{}, { code: 'ECONNREFUSED' }])
  })

  test('that takes too long gets reply 6 and is cancelled', async ({ startProxy, open }) => {
    const dial = vi.fn((_to, _context: { signal: AbortSignal }) => new Promise<never>(() => {}))
    const { at } = await startProxy({ dial, dialTimeout: 10 })
    const client = (await open(at)).send(greeting, connectByName('a', 1))
    await client.read(2)
    expect(await client.readReply()).toMatchObject({ replyCode: 6 })
    expect(dial.mock.lastCall?.[1].signal.reason).toMatchObject({ code: 'ERR_SOCKS5_TIMEOUT' })
  })

  test.for(['ends', 'resets'] as const)(
    'is cancelled when the client %s',
    async (how, { startProxy, open }) => {
      const { promise: asked, resolve: ask } = deferred<AbortSignal>()
      const { promise: dialing, resolve: dialed } = deferred<PassThrough>()
      const dial = (_: unknown, { signal }: { signal: AbortSignal }) => {
        ask(signal)
        return dialing
      }
      const { proxy, at } = await startProxy({ dial })
      const failed = once(proxy, 'client:failed')
      const client = (await open(at)).send(greeting, connectByName('a', 1))
      const signal = await asked
      if (how === 'ends') client.socket.end()
      else client.socket.resetAndDestroy()
      if (!signal.aborted) await once(signal, 'abort')
      const late = new PassThrough()
      dialed(late)
      await once(late, 'close')
      expect(await failed).toMatchObject([{}, how === 'ends' ? { code: 'ERR_SOCKS5_CLOSED' } : {}])
    },
  )
})

describe('authentication', () => {
  test('may take its time and names the client', async ({ startProxy, open, echo }) => {
    const { proxy, at } = await startProxy({
      authenticate: async (given) => compareCredentials(given, stored),
    })
    const spliced = once(proxy, 'client:spliced')
    const client = (await open(at)).send(login('tsnet', 'secret'), connectRequest(echo))
    expect(await client.read(7)).toEqual([5, 2, 1, 0, 5, 0, 0])
    expect(await spliced).toMatchObject([{ username: 'tsnet' }, echo])
  })

  const judges: [string, () => boolean | Promise<boolean>][] = [
    ['is wrong', async () => false],
    ['is truthy only', (async () => 'yes') as unknown as () => Promise<boolean>],
    ['breaks', () => Promise.reject(new Error('database is down'))],
    [
      'breaks at once',
      () => {
        throw new Error('database is down')
      },
    ],
  ]

  test.for(judges)(
    'that %s lets nobody in',
    async ([, authenticate], { startProxy, open, echo }) => {
      const { proxy, at } = await startProxy({ authenticate })
      const failed = once(proxy, 'client:failed')
      const client = (await open(at)).send(login('tsnet', 'wrong'), connectRequest(echo))
      expect(await client.read(5)).toEqual([5, 2, 1, 1])
      expect(await failed).toMatchObject([
        { username: undefined },
        { code: 'ERR_SOCKS5_AUTHENTICATION' },
      ])
    },
  )

  test('that is asked for without a judge lets nobody in', async ({ startProxy, open }) => {
    const { at } = await startProxy({ authentication: 'password' })
    const client = (await open(at)).send(login('tsnet', 'secret'))
    expect(await client.read(5)).toEqual([5, 2, 1, 1])
  })
})

describe('rules', () => {
  test('that deny get reply 2 and keep their reason', async ({ startProxy, open, echo }) => {
    const { proxy, at } = await startProxy({ rules: () => ({ allow: false, reason: 'no echo' }) })
    const failed = once(proxy, 'client:failed')
    const client = (await open(at)).send(greeting, connectRequest(echo))
    await client.read(2)
    expect(await client.readReply()).toMatchObject({ replyCode: 2 })
    expect(await failed).toMatchObject([
      {},
      { code: 'ERR_SOCKS5_DENIED', message: expect.stringContaining('no echo') },
    ])
  })

  test('see the address in the clothes of a name', async ({ startProxy, open, echo }) => {
    const rules = vi.fn(() => ({ allow: true }) as const)
    const { at } = await startProxy({ rules })
    const client = (await open(at)).send(greeting, connectByName('127.0.0.1', echo.port))
    await client.read(12)
    expect(rules.mock.calls).toEqual([[expect.objectContaining({ destination: echo })]])
  })

  test('see each address of a name and may take some away', async ({ startProxy, open, echo }) => {
    const { at } = await startProxy({
      resolve: async () => ['10.0.0.1', '127.0.0.1', '::1'],
      rules: ({ destination: { type, host }, name }) =>
        type === 'domain' || (name === 'inside.test' && host === '127.0.0.1')
          ? { allow: true }
          : { allow: false, reason: host },
    })
    const client = (await open(at)).send(greeting, connectByName('inside.test', echo.port), 'hi')
    await client.read(2)
    expect(await client.readReply()).toMatchObject({ replyCode: 0 })
    expect(await client.readText(2)).toBe('hi')
  })

  test('that leave no address of a name deny it', async ({ startProxy, open, echo }) => {
    const { at } = await startProxy({
      resolve: async () => ['127.0.0.1'],
      rules: ({ destination: { type } }) =>
        type === 'domain' ? { allow: true } : { allow: false, reason: 'points inside' },
    })
    const client = (await open(at)).send(greeting, connectByName('rebind.test', echo.port))
    await client.read(2)
    expect(await client.readReply()).toMatchObject({ replyCode: 2 })
  })

  test('that break deny', async ({ startProxy, open, echo }) => {
    const { at } = await startProxy({ rules: () => Promise.reject(new Error('broken')) })
    const client = (await open(at)).send(greeting, connectRequest(echo))
    await client.read(2)
    expect(await client.readReply()).toMatchObject({ replyCode: 1 })
  })
})

describe('names', () => {
  test('are resolved here for the dial that is built in', async ({ startProxy, open, echo }) => {
    const { at } = await startProxy()
    const client = (await open(at)).send(greeting, connectByName('localhost', echo.port), 'hi')
    await client.read(2)
    expect(await client.readReply()).toMatchObject({ replyCode: 0 })
  })

  test('are left to a dial that is injected', async ({ startProxy, open }) => {
    const dial = vi.fn(async () => new PassThrough())
    const { at } = await startProxy({ dial })
    const client = (await open(at)).send(greeting, connectByName('hello.lab', 80))
    await client.read(12)
    expect(dial).toHaveBeenCalledWith(
      { type: 'domain', host: 'hello.lab', port: 80 },
      expect.objectContaining({ addresses: undefined }),
    )
  })

  test('that do not exist get reply 4', async ({ startProxy, open }) => {
    const { at } = await startProxy({ resolve: async () => [] })
    const client = (await open(at)).send(greeting, connectByName('nobody.test', 80))
    await client.read(2)
    expect(await client.readReply()).toMatchObject({ replyCode: 4 })
  })
})

describe('what is malformed', () => {
  test.for([
    ['an unknown command', [5, 9, 0, 1, 127, 0, 0, 1, 0, 80], 7],
    ['a command that is not served', [5, 2, 0, 1, 127, 0, 0, 1, 0, 80], 7],
    ['an unknown address type', [5, 1, 0, 2, 127, 0, 0, 1, 0, 80], 8],
    ['an empty name', [5, 1, 0, 3, 0, 0, 80], 1],
  ] as const)(
    'by %s gets its reply, unread bytes or not',
    async ([, bytes, replyCode], { startProxy, open }) => {
      const { at } = await startProxy()
      const client = (await open(at)).send(greeting, Uint8Array.from(bytes), 'x'.repeat(10_000))
      await client.read(2)
      expect(await client.readReply()).toMatchObject({ replyCode })
      expect(await client.ended()).toBe(true)
    },
  )

  test('by not being SOCKS5 is closed without a word', async ({ startProxy, open }) => {
    const { at } = await startProxy()
    const client = (await open(at)).send('GET / HTTP/1.1\r\n\r\n')
    expect(await client.ended()).toBe(true)
  })

  test('by offering no method that will do gets 0xff', async ({ startProxy, open }) => {
    const { at } = await startProxy({ authentication: 'password' })
    const client = (await open(at)).send(encodeGreeting({ methods: [0] }))
    expect(await client.read(2)).toEqual([5, 0xff])
    expect(await client.ended()).toBe(true)
  })

  test('by ending early is reported', async ({ startProxy, open }) => {
    const { proxy, at } = await startProxy()
    const failed = once(proxy, 'client:failed')
    const client = await open(at)
    client.socket.end(Uint8Array.of(5))
    expect(await failed).toMatchObject([{}, { code: 'ERR_SOCKS5_CLOSED' }])
  })
})

test('a client that says nothing is cut off without a word', async ({ startProxy, open }) => {
  const { proxy, at } = await startProxy({ handshakeTimeout: 20 })
  const failed = once(proxy, 'client:failed')
  const client = await open(at)
  expect(await client.ended()).toBe(true)
  expect(await failed).toMatchObject([{}, { code: 'ERR_SOCKS5_TIMEOUT' }])
})

test('a judge who takes too long keeps nobody waiting', async ({ startProxy, open }) => {
  const authenticate = () => new Promise<boolean>(() => {})
  const { proxy, at } = await startProxy({ authenticate, handshakeTimeout: 20 })
  const failed = once(proxy, 'client:failed')
  const client = (await open(at)).send(login('tsnet', 'secret'))
  expect(await client.ended()).toBe(true)
  expect(await failed).toMatchObject([{}, { code: 'ERR_SOCKS5_TIMEOUT' }])
})

test('a refused client is read to its end', async ({ startProxy, open }) => {
  const { proxy, at } = await startProxy()
  const client = (await open(at)).send(greeting, Uint8Array.of(5, 1, 0, 9))
  client.socket.end(Buffer.alloc(1_000_000))
  await client.read(2)
  expect(await client.readReply()).toMatchObject({ replyCode: 8 })
  expect(await client.reset()).toBe(false)
  // Well before the server would cut off one that lingers.
  await vi.waitFor(() => expect(proxy.connections.serving).toBe(0), { timeout: 700 })
})

test('a client that keeps saying little is cut off as well', async ({ startProxy, open }) => {
  const { at } = await startProxy({ handshakeTimeout: 20 })
  const client = await open(at)
  client.send(greeting, Uint8Array.of(5, 1, 0))
  expect(await client.read(2)).toEqual([5, 0])
  expect(await client.ended()).toBe(true)
})

describe('the cap', () => {
  test('lets clients wait unread, then serves them in order', async ({
    startProxy,
    open,
    echo,
  }) => {
    const { proxy, at } = await startProxy({ maxConnections: 1, maxWaiting: 2 })
    const first = (await open(at)).send(greeting, connectRequest(echo))
    await first.read(12)
    const second = (await open(at)).send(greeting, connectRequest(echo), 'second')
    const third = (await open(at)).send(greeting, connectRequest(echo), 'third')
    await vi.waitFor(() => expect(proxy.connections).toEqual({ serving: 1, waiting: 2 }))
    expect(second.socket.bytesRead).toBe(0)
    first.socket.end()
    await second.read(12)
    expect(await second.readText(6)).toBe('second')
    expect(proxy.connections).toEqual({ serving: 1, waiting: 1 })
    expect(third.socket.bytesRead).toBe(0)
    second.socket.end()
    await third.read(12)
    expect(await third.readText(5)).toBe('third')
  })

  test('closes clients beyond those that may wait', async ({ startProxy, open }) => {
    const { proxy, at } = await startProxy({ maxConnections: 1, maxWaiting: 1 })
    const dropped = once(proxy, 'client:dropped')
    await open(at)
    await open(at)
    const third = await open(at)
    expect(await third.ended()).toBe(true)
    expect(await dropped).toMatchObject([{ port: third.socket.localPort }])
  })

  test('is not used up by one that waited in vain', async ({ startProxy, open, echo }) => {
    const { proxy, at } = await startProxy({ maxConnections: 1, maxWaiting: 2 })
    const first = await open(at)
    const gone = await open(at)
    const third = (await open(at)).send(greeting, connectRequest(echo), 'third')
    await vi.waitFor(() => expect(proxy.connections.waiting).toBe(2))
    gone.socket.resetAndDestroy()
    first.socket.destroy()
    await third.read(12)
    expect(await third.readText(5)).toBe('third')
  })
})

describe('close', () => {
  test('waits for who is spliced and accepts nobody more', async ({ startProxy, open, echo }) => {
    const { proxy, at } = await startProxy()
    const client = (await open(at)).send(greeting, connectRequest(echo))
    await client.read(12)
    const closed = proxy.close()
    expect(proxy.address).toBeUndefined()
    await expect(open(at)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(await client.send('ping').readText(4)).toBe('ping')
    client.socket.end()
    await closed
  })

  test('at once resets who is left, negotiating, dialing or spliced', async ({
    startProxy,
    open,
    target,
  }) => {
    const dial = vi.fn(() => new Promise<never>(() => {}))
    const slow = await startProxy({ dial })
    const { proxy, at } = await startProxy()
    const clients = [
      await open(at),
      (await open(at)).send(greeting, connectRequest(target)),
      (await open(slow.at)).send(greeting, connectRequest(target)),
    ]
    const far = await target.accept()
    await vi.waitFor(() => expect(dial).toHaveBeenCalled())
    await Promise.all([proxy.close({ immediate: true }), slow.proxy.close({ immediate: true })])
    expect(await Promise.all(clients.map((client) => client.reset()))).toEqual([true, true, true])
    expect(await far.reset()).toBe(true)
  })

  test('turns away who waits', async ({ startProxy, open, echo }) => {
    const { proxy, at } = await startProxy({ maxConnections: 1 })
    const served = (await open(at)).send(greeting, connectRequest(echo))
    await served.read(12)
    const waiting = await open(at)
    await vi.waitFor(() => expect(proxy.connections.waiting).toBe(1))
    const closed = proxy.close()
    expect(await waiting.ended()).toBe(true)
    expect(await served.send('ping').readText(4)).toBe('ping')
    served.socket.end()
    await closed
  })

  test('can be hurried', async ({ startProxy, open, echo }) => {
    const { proxy, at } = await startProxy()
    const client = (await open(at)).send(greeting, connectRequest(echo))
    await client.read(12)
    const closed = proxy.close()
    await proxy.close({ immediate: true })
    await closed
  })

  test('comes by the signal, too', async ({ startProxy, open }) => {
    const controller = new AbortController()
    const { proxy, at } = await startProxy({ signal: controller.signal })
    const client = await open(at)
    controller.abort()
    expect(await client.reset()).toBe(true)
    await proxy.close()
    await expect(proxy.listen()).rejects.toBe(controller.signal.reason)
  })

  test('of a server that never listened is done', async () => {
    await createSocks5Server().close()
  })
})

test('a port in use is Node’s own error', async ({ startProxy }) => {
  const { at } = await startProxy()
  await expect(createSocks5Server().listen(at)).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

test.skipIf(!hasIpv6)('a client of IPv6 is told of IPv6', async ({ open, echo }) => {
  const proxy = createSocks5Server()
  try {
    const at = await proxy.listen({ host: '::1' })
    expect(at).toMatchObject({ type: 'ipv6', host: '::1' })
    const spliced = once(proxy, 'client:spliced')
    const client = (await open(at)).send(greeting, connectRequest(echo))
    await client.read(12)
    expect(await spliced).toMatchObject([{ source: { type: 'ipv6', host: '::1' } }, {}])
  } finally {
    await proxy.close({ immediate: true })
  }
})

test('requests are served as they are told to be', async ({ startProxy, open }) => {
  const { at } = await startProxy({ commands: ['resolve'], resolve: async () => ['192.0.2.7'] })
  const client = await open(at)
  const destination = { type: 'domain', host: 'a.test', port: 0 } as const
  client.send(greeting, encodeRequest({ command: 'resolve', destination }))
  await client.read(2)
  expect(await client.readReply()).toMatchObject({ bound: { type: 'ipv4', host: '192.0.2.7' } })
  const other = (await open(at)).send(greeting, connectByName('a.test', 80))
  await other.read(2)
  expect(await other.readReply()).toMatchObject({ replyCode: 7 })
})
