import { describe, expect, test } from 'vitest'
import { type ClientSessionOptions, createClientSession } from './client-session.ts'
import { encodeCredentials } from './credentials.ts'
import { concat } from './octets.ts'
import { encodeReply } from './reply.ts'
import { encodeRequest } from './request.ts'

const destination = { type: 'domain', host: 'hello.lab', port: 80 } as const
const bound = { type: 'ipv6', host: 'fd7a:115c:a1e0::1', port: 1 } as const
const credentials = { username: 'tsnet', password: 'secret' }
const request = encodeRequest({ command: 'connect', destination })
const reply = encodeReply({ replyCode: 0, bound })

function bytes(...octets: number[]): Uint8Array {
  return Uint8Array.from(octets)
}

test('without credentials offers no authentication', () => {
  const session = createClientSession({ destination })
  expect(session.opening).toEqual(bytes(5, 1, 0))
  expect(session.receive(bytes(5, 0))).toEqual({ type: 'write', bytes: request, needed: 5 })
  expect(session.receive(concat(reply, bytes(9, 9)))).toEqual({
    type: 'done',
    reply: { replyCode: 0, bound },
    leftover: bytes(9, 9),
  })
})

test('with credentials offers both and sends them when asked', () => {
  const session = createClientSession({ destination, credentials })
  expect(session.opening).toEqual(bytes(5, 2, 0, 2))
  expect(session.receive(bytes(5, 2))).toMatchObject({ bytes: encodeCredentials(credentials) })
  expect(session.receive(bytes(1, 0))).toMatchObject({ bytes: request })
  expect(session.receive(reply)).toMatchObject({ type: 'done', leftover: bytes() })
})

test('with credentials does not send them when not asked', () => {
  const session = createClientSession({ destination, credentials })
  expect(session.receive(bytes(5, 0))).toMatchObject({ bytes: request })
})

test('when optimistic sends all at once and then only reads', () => {
  const session = createClientSession({ destination, credentials, optimistic: true })
  const all = concat(bytes(5, 1, 2), encodeCredentials(credentials), request)
  expect(session.opening).toEqual(all)
  expect(session.receive(bytes(5, 2))).toEqual({ type: 'write', bytes: bytes(), needed: 2 })
  expect(session.receive(bytes(1, 0))).toMatchObject({ type: 'write', bytes: bytes() })
  expect(session.receive(reply)).toMatchObject({ type: 'done' })
})

test('that reads just what is needed never takes a byte behind the reply', () => {
  const session = createClientSession({ destination, credentials, optimistic: true })
  const stream = concat(bytes(5, 2, 1, 0), reply, bytes(7, 7, 7))
  let action = session.receive(bytes())
  let at = 0
  while (action.type === 'write') {
    const end: number = at + action.needed
    action = session.receive(stream.subarray(at, end))
    at = end
  }
  expect(action.leftover).toEqual(bytes())
  expect(stream.subarray(at)).toEqual(bytes(7, 7, 7))
})

describe('a refusal', () => {
  const anonymous: ClientSessionOptions = { destination }
  const named: ClientSessionOptions = { destination, credentials }

  test.for([
    ['of all methods', anonymous, bytes(5, 0xff), 'ERR_SOCKS5_METHOD'],
    ['by a method not offered', anonymous, bytes(5, 2), 'ERR_SOCKS5_METHOD'],
    ['of the credentials', named, bytes(5, 2, 1, 1), 'ERR_SOCKS5_AUTHENTICATION'],
    ['of the request', anonymous, bytes(5, 0, 5, 2, 0, 1, 0, 0, 0, 0, 0, 0), 'ERR_SOCKS5_REPLY'],
    ['by speaking HTTP', anonymous, new TextEncoder().encode('HTTP/1.1'), 'ERR_SOCKS5_VERSION'],
  ] as const)('%s is thrown and ends the session', ([, options, received, code]) => {
    const session = createClientSession(options)
    expect(() => session.receive(received)).toThrow(expect.objectContaining({ code }))
    expect(() => session.receive(bytes())).toThrow(
      expect.objectContaining({ code: 'ERR_SOCKS5_STATE' }),
    )
  })

  test('of the request has its reply code and says in words what it is', () => {
    const session = createClientSession(anonymous)
    expect(() => session.receive(bytes(5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0))).toThrow(
      expect.objectContaining({
        replyCode: 5,
        message: expect.stringContaining('connection refused'),
      }),
    )
  })
})

test.for([
  ['ERR_SOCKS5_CREDENTIALS', { destination, credentials: { username: '', password: '' } }],
  ['ERR_SOCKS5_DOMAIN_NAME', { destination: { ...destination, host: '' } }],
  ['ERR_SOCKS5_FIELD', { destination: { ...destination, port: 70_000 } }],
] as const)('does not begin what it cannot send: %s', ([code, options]) => {
  expect(() => createClientSession(options)).toThrow(expect.objectContaining({ code }))
})
