import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Duplex, PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, expectTypeOf } from 'vitest'
import { deferred, type Target, test } from '../testing/sockets.ts'
import { getBoundAddress } from './bound-address.ts'
import { connectSocks5 } from './connect.ts'
import { dial } from './dial.ts'
import { concat } from './octets.ts'
import { encodeReply } from './reply.ts'
import { compareCredentials } from './safe-equal.ts'

const credentials = { username: 'tsnet', password: 'secret' }
const authenticate = (given: typeof credentials) => compareCredentials(given, credentials)
const bound = { type: 'ipv4', host: '192.0.2.1', port: 4_000 } as const

describe('connectSocks5', () => {
  test.for([
    ['without credentials', {}, {}],
    ['with credentials nobody asks for', {}, { credentials }],
    ['with credentials', { authenticate }, { credentials }],
    ['without credentials, optimistic', {}, { optimistic: true }],
    ['with credentials, optimistic', { authenticate }, { credentials, optimistic: true }],
  ] as const)('connects %s', async ([, server, client], { startProxy, echo }) => {
    const { at } = await startProxy(server)
    const socket = await connectSocks5({ proxy: at, destination: echo, ...client })
    socket.end('ping')
    expect(await text(socket)).toBe('ping')
  })

  test('knows the address the proxy connects from', async ({ startProxy, target }) => {
    const { at } = await startProxy()
    const socket = await connectSocks5({ proxy: at, destination: target })
    const far = await target.accept()
    expect(getBoundAddress(socket).port).toBe(far.socket.remotePort)
    socket.destroy()
  })

  test('goes through one proxy after another', async ({ startProxy, echo }) => {
    const first = await startProxy({ authenticate })
    const second = await startProxy()
    const link = await connectSocks5({ proxy: first.at, credentials, destination: second.at })
    const socket = await connectSocks5({ proxy: link, destination: echo })
    expect(socket).toBe(link)
    expectTypeOf(socket).toEqualTypeOf<Socket>()
    socket.end('through two')
    expect(await text(socket)).toBe('through two')
  })

  test('is a dial for the server, which then tells the far address', async ({
    startProxy,
    target,
  }) => {
    const second = await startProxy()
    const first = await startProxy({
      dial: (destination, { signal }) =>
        connectSocks5({ proxy: second.at, destination, allowHalfOpen: true, signal }),
    })
    const socket = await connectSocks5({
      proxy: first.at,
      destination: target,
      allowHalfOpen: true,
    })
    const far = await target.accept()
    expect(getBoundAddress(socket).port).toBe(far.socket.remotePort)
    socket.end('request')
    expect(await far.readText(7)).toBe('request')
    expect(await far.ended()).toBe(true)
    far.socket.end('response')
    expect(await text(socket)).toBe('response')
  })

  test('hands the refusal of the last proxy through the first', async ({ startProxy, echo }) => {
    const second = await startProxy({ rules: () => ({ allow: false, reason: 'test' }) })
    const first = await startProxy({
      dial: (destination, { signal }) => connectSocks5({ proxy: second.at, destination, signal }),
    })
    await expect(connectSocks5({ proxy: first.at, destination: echo })).rejects.toMatchObject({
      code: 'ERR_SOCKS5_REPLY',
      replyCode: 2,
    })
  })
})

describe('bytes behind the reply', () => {
  const reply = concat(Uint8Array.of(5, 0), encodeReply({ replyCode: 0, bound }))

  /** A proxy that sends `bytes` whatever it is asked, then ends if told to. */
  async function answer(target: Target, bytes: Uint8Array, end: boolean): Promise<void> {
    const proxy = await target.accept()
    await proxy.read(3)
    if (end) proxy.socket.end(bytes)
    else proxy.send(bytes)
  }

  test.for([
    ['and the connection goes on', false],
    ['and the connection ends', true],
  ] as const)('are not lost when they come with it %s', async ([, end], { target }) => {
    const bytes = concat(reply, Buffer.from('220 hello'))
    const [socket] = await Promise.all([
      connectSocks5({ proxy: target, destination: bound }),
      answer(target, bytes, end),
    ])
    const [chunk] = await once(socket, 'data')
    expect(String(chunk)).toBe('220 hello')
    if (end) await once(socket, 'end')
    socket.destroy()
  })

  test('are there for a reader who comes later, and who pipes', async ({ target }) => {
    const bytes = concat(reply, Buffer.from('220 hello'))
    const [socket] = await Promise.all([
      connectSocks5({ proxy: target, destination: bound }),
      answer(target, bytes, true),
    ])
    await new Promise((resolve) => setImmediate(resolve))
    expect(await text(socket.pipe(new PassThrough()))).toBe('220 hello')
  })

  test('leave no listener and a stream that does not flow yet', async ({ target }) => {
    const [socket] = await Promise.all([
      connectSocks5({ proxy: target, destination: bound }),
      answer(target, reply, false),
    ])
    await new Promise((resolve) => setImmediate(resolve))
    expect(socket.listenerCount('readable') + socket.listenerCount('data')).toBe(0)
    expect(socket.readableFlowing).toBeNull()
    socket.destroy()
  })
})

describe('a failure', () => {
  test('to reach the proxy has its cause', async ({ startProxy, echo }) => {
    const { proxy, at } = await startProxy()
    await proxy.close()
    await expect(connectSocks5({ proxy: at, destination: echo })).rejects.toMatchObject({
      code: 'ERR_SOCKS5_PROXY',
      cause: { code: 'ECONNREFUSED' },
    })
  })

  test.for([
    ['refuses', 5, 'ECONNREFUSED'],
    ['cannot be reached', 4, 'EHOSTUNREACH'],
  ] as const)('of a target that %s has reply %i', async ([, replyCode, code], { startProxy }) => {
    const dial = () => Promise.reject(Object.assign(new Error(code), { code }))
    const { at } = await startProxy({ dial })
    await expect(connectSocks5({ proxy: at, destination: bound })).rejects.toMatchObject({
      code: 'ERR_SOCKS5_REPLY',
      replyCode,
    })
  })

  test('to give credentials that are asked for', async ({ startProxy }) => {
    const { at } = await startProxy({ authenticate })
    await expect(connectSocks5({ proxy: at, destination: bound })).rejects.toMatchObject({
      code: 'ERR_SOCKS5_METHOD',
    })
  })

  test('to give the right ones', async ({ startProxy }) => {
    const { at } = await startProxy({ authenticate })
    const wrong = { username: 'tsnet', password: 'guess' }
    const connecting = connectSocks5({ proxy: at, destination: bound, credentials: wrong })
    await expect(connecting).rejects.toMatchObject({
      code: 'ERR_SOCKS5_AUTHENTICATION',
      message: expect.not.stringContaining('guess'),
    })
  })

  test('of a proxy that hangs up', async ({ target }) => {
    const connecting = connectSocks5({ proxy: target, destination: bound })
    const caught = expect(connecting).rejects.toMatchObject({ code: 'ERR_SOCKS5_CLOSED' })
    const proxy = await target.accept()
    proxy.socket.end(Uint8Array.of(5))
    await caught
  })

  test('of a proxy that resets', async ({ target }) => {
    const connecting = connectSocks5({ proxy: target, destination: bound })
    const caught = expect(connecting).rejects.toMatchObject({
      code: 'ERR_SOCKS5_CLOSED',
      cause: { code: 'ECONNRESET' },
    })
    const proxy = await target.accept()
    await proxy.read(3)
    proxy.socket.resetAndDestroy()
    await caught
  })

  test('of a proxy that says nothing closes the connection', async ({ target }) => {
    const connecting = connectSocks5({ proxy: target, destination: bound, timeout: 20 })
    await expect(connecting).rejects.toMatchObject({ code: 'ERR_SOCKS5_TIMEOUT' })
    const proxy = await target.accept()
    await proxy.read(3)
    expect(await proxy.ended()).toBe(true)
  })

  test('of a server that speaks HTTP', async ({ target }) => {
    const connecting = connectSocks5({ proxy: target, destination: bound })
    const caught = expect(connecting).rejects.toMatchObject({ code: 'ERR_SOCKS5_VERSION' })
    const proxy = await target.accept()
    proxy.send('HTTP/1.1 400 Bad Request\r\n\r\n')
    await caught
  })

  test('that is wanted rejects with the reason and closes the connection', async ({ target }) => {
    const controller = new AbortController()
    const { signal } = controller
    const connecting = connectSocks5({ proxy: target, destination: bound, signal })
    const caught = expect(connecting).rejects.toBe('changed my mind')
    const proxy = await target.accept()
    await proxy.read(3)
    controller.abort('changed my mind')
    await caught
    expect(await proxy.ended()).toBe(true)
  })

  test('that was wanted before it began connects nowhere', async ({ target }) => {
    const signal = AbortSignal.abort('no')
    await expect(connectSocks5({ proxy: target, destination: bound, signal })).rejects.toBe('no')
  })

  test.for([
    ['ERR_SOCKS5_ADDRESS', { host: '[::1]', port: 80 }],
    ['ERR_SOCKS5_DOMAIN_NAME', { host: '', port: 80 }],
    ['ERR_SOCKS5_FIELD', { host: 'a', port: -1 }],
  ] as const)('with %s comes before anything is sent', async ([code, destination], { target }) => {
    await expect(connectSocks5({ proxy: target, destination })).rejects.toMatchObject({ code })
  })

  test('destroys a stream it was given', async () => {
    const ended = deferred<void>()
    const stream = new Duplex({
      read() {
        this.push(null)
      },
      write: (_chunk, _encoding, done) => done(),
      destroy: (_error, done) => {
        ended.resolve()
        done(null)
      },
    })
    const connecting = connectSocks5({ proxy: stream, destination: bound })
    await expect(connecting).rejects.toMatchObject({ code: 'ERR_SOCKS5_CLOSED' })
    await ended.promise
  })
})

test('a dial that is aborted rejects with the reason', async ({ target }) => {
  const signal = AbortSignal.abort('no')
  await expect(dial({ host: target.host, port: target.port, signal })).rejects.toBe('no')
})

test('a dial tries each address', async ({ echo }) => {
  const { signal } = new AbortController()
  const addresses = ['::1', '127.0.0.1']
  const socket = await dial({ host: 'echo.test', port: echo.port, addresses, signal })
  expect(socket.remoteAddress).toBe('127.0.0.1')
  socket.destroy()
})

test('a dial that fails everywhere has a code', async ({ startProxy }) => {
  const { proxy, at } = await startProxy()
  await proxy.close()
  const { signal } = new AbortController()
  const addresses = ['::1', '127.0.0.1']
  await expect(dial({ host: 'a.test', port: at.port, addresses, signal })).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  })
})
