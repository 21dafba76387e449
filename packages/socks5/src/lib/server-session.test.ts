import { describe, expect, test } from 'vitest'
import { encodeAddress } from './address.ts'
import { encodeCredentials } from './credentials.ts'
import { encodeGreeting } from './greeting.ts'
import { concat } from './octets.ts'
import { encodeReply } from './reply.ts'
import { encodeRequest } from './request.ts'
import { compareCredentials } from './safe-equal.ts'
import { createServerSession, type ServerSession } from './server-session.ts'

const stored = { username: 'tsnet', password: 'secret' }
const destination = { type: 'domain', host: 'hello.lab', port: 80 } as const
const bound = { type: 'ipv4', host: '100.64.0.1', port: 50_000 } as const
const anyone = encodeGreeting({ methods: [0] })
const someone = encodeGreeting({ methods: [0, 2] })
const credentials = encodeCredentials(stored)
const request = encodeRequest({ command: 'connect', destination })
const payload = Uint8Array.from([1, 2, 3])

function bytes(...octets: number[]): Uint8Array {
  return Uint8Array.from(octets)
}

const failure = (code: number) => [5, code, 0, 1, 0, 0, 0, 0, 0, 0] as const

describe('one message after the other', () => {
  test('without authentication', () => {
    const session = createServerSession()
    expect(session.receive(anyone)).toEqual({ type: 'write', bytes: bytes(5, 0) })
    expect(session.receive(request)).toEqual({
      type: 'dial',
      request: { command: 'connect', destination },
      username: undefined,
      onSuccess: bytes(5, 0, 0),
      leftover: bytes(),
    })
    expect(session.dialed({ bound })).toEqual({
      type: 'splice',
      bytes: encodeReply({ replyCode: 0, bound }),
      leftover: bytes(),
    })
  })

  test('with a judge on the spot', () => {
    const session = createServerSession({
      authenticate: (given) => compareCredentials(given, stored),
    })
    expect(session.receive(someone)).toEqual({ type: 'write', bytes: bytes(5, 2) })
    expect(session.receive(credentials)).toEqual({ type: 'write', bytes: bytes(1, 0) })
    expect(session.receive(request)).toMatchObject({ type: 'dial', username: 'tsnet' })
  })

  test('with a judge who takes his time', () => {
    const session = createServerSession({ authentication: 'password' })
    session.receive(someone)
    expect(session.receive(credentials)).toEqual({ type: 'authenticate', credentials: stored })
    expect(session.authenticated(true)).toEqual({ type: 'write', bytes: bytes(1, 0) })
    expect(session.receive(request)).toMatchObject({ type: 'dial', username: 'tsnet' })
  })
})

describe('everything in one write', () => {
  const all = concat(someone, credentials, request, payload)
  const owed = bytes(5, 2, 1, 0)

  test('is one action, and nothing is written before the reply', () => {
    const session = createServerSession({ authenticate: () => true })
    expect(session.receive(all)).toEqual({
      type: 'dial',
      request: { command: 'connect', destination },
      username: 'tsnet',
      onSuccess: concat(owed, bytes(5, 0, 0)),
      leftover: payload,
    })
    expect(session.dialed({ bound })).toEqual({
      type: 'splice',
      bytes: concat(owed, encodeReply({ replyCode: 0, bound })),
      leftover: payload,
    })
  })

  test('gets the whole answer by onSuccess and an address written elsewhere', () => {
    const here = createServerSession({ authenticate: () => true })
    const elsewhere = createServerSession({ authenticate: () => true })
    here.receive(all)
    const action = elsewhere.receive(all)
    if (action.type !== 'dial') throw new Error(action.type)
    elsewhere.spliced()
    expect(concat(action.onSuccess, encodeAddress(bound))).toEqual(here.dialed({ bound }).bytes)
  })

  test('gets what is owed before the failure', () => {
    const session = createServerSession({ authenticate: () => true })
    session.receive(all)
    const last = session.failed(5)
    expect(last).toEqual({
      type: 'close',
      bytes: concat(owed, bytes(...failure(5))),
      error: undefined,
    })
  })

  test('gets what is owed when the credentials are refused', () => {
    const session = createServerSession({ authentication: 'password' })
    expect(session.receive(all)).toEqual({ type: 'authenticate', credentials: stored })
    expect(session.authenticated(false)).toMatchObject({
      type: 'close',
      bytes: bytes(5, 2, 1, 1),
      error: { code: 'ERR_SOCKS5_AUTHENTICATION' },
    })
  })

  test('writes what it can when the request is cut', () => {
    const session = createServerSession({ authenticate: () => true })
    const cut = all.length - payload.length - 1
    expect(session.receive(all.subarray(0, cut))).toEqual({ type: 'write', bytes: owed })
    expect(session.receive(all.subarray(cut))).toMatchObject({
      type: 'dial',
      onSuccess: bytes(5, 0, 0),
      leftover: payload,
    })
  })
})

describe('authentication', () => {
  test.for([
    ['password', [0], [5, 0xff], 'close'],
    ['password', [0, 2], [5, 2], 'write'],
    ['password', [], [5, 0xff], 'close'],
    ['none', [2], [5, 0xff], 'close'],
    ['none', [0, 2], [5, 0], 'write'],
    ['either', [0], [5, 0], 'write'],
    ['either', [0, 2], [5, 2], 'write'],
    ['either', [1], [5, 0xff], 'close'],
  ] as const)('%s of methods %o answers %o', ([authentication, methods, answer, type]) => {
    const session = createServerSession({ authentication })
    const action = session.receive(encodeGreeting({ methods: [...methods] }))
    expect(action).toMatchObject({ type, bytes: bytes(...answer) })
  })

  test.for([
    ['a wrong username', encodeCredentials({ username: 'root', password: 'secret' })],
    ['a wrong password', encodeCredentials({ username: 'tsnet', password: 'wrong' })],
    ['an empty username', bytes(1, 0, 1, 97)],
    ['credentials that are not UTF-8', bytes(1, 1, 0xff, 1, 0xff)],
    ['another version', bytes(5)],
  ] as const)('answers %s by the same two octets', ([, given]) => {
    const session = createServerSession({
      authenticate: (each) => compareCredentials(each, stored),
    })
    session.receive(someone)
    expect(session.receive(given)).toMatchObject({ type: 'close', bytes: bytes(1, 1) })
  })

  test('is not given by a promise', () => {
    const authenticate = (async () => false) as unknown as () => boolean
    const session = createServerSession({ authenticate })
    session.receive(someone)
    expect(session.receive(credentials)).toMatchObject({ type: 'close', bytes: bytes(1, 1) })
  })

  test('that breaks lets nobody in', () => {
    const session = createServerSession({
      authenticate: () => {
        throw new RangeError('broken')
      },
    })
    session.receive(someone)
    expect(() => session.receive(concat(credentials, request))).toThrow(RangeError)
    expect(() => session.receive(request)).toThrow(
      expect.objectContaining({ code: 'ERR_SOCKS5_STATE' }),
    )
  })
})

describe('what is malformed', () => {
  test.for([
    ['version 4', bytes(4, 1), 'ERR_SOCKS5_VERSION'],
    ['HTTP', new TextEncoder().encode('GET / HTTP/1.1\r\n'), 'ERR_SOCKS5_VERSION'],
  ] as const)('as a greeting (%s) gets no answer, RFC 1928 has none', ([, sent, code]) => {
    const session = createServerSession()
    const action = session.receive(sent)
    expect(action).toMatchObject({ type: 'close', bytes: bytes(), error: { code } })
  })

  test.for([
    ['version', 1, bytes(1)],
    ['command', 7, bytes(5, 9, 0, 1, 1, 2, 3, 4, 0, 80)],
    ['address type', 8, bytes(5, 1, 0, 2)],
    ['reserved octet', 1, bytes(5, 1, 1, 1, 1, 2, 3, 4, 0, 80)],
    ['name', 1, bytes(5, 1, 0, 3, 1, 0, 0, 80)],
  ] as const)('as a request in its %s gets reply %i', ([, replyCode, sent]) => {
    const session = createServerSession()
    session.receive(anyone)
    const action = session.receive(sent)
    expect(action).toMatchObject({ type: 'close', bytes: bytes(...failure(replyCode)) })
  })
})

describe('commands', () => {
  function requested(command: 'bind' | 'udp-associate' | 'resolve' | 'resolve-ptr', host = 'a') {
    const session = createServerSession({ commands: [command] })
    session.receive(anyone)
    const type = host === 'a' ? 'domain' : 'ipv4'
    const sent = encodeRequest({ command, destination: { type, host, port: 0 } })
    return { session, action: session.receive(sent) }
  }

  test.for(['bind', 'udp-associate', 'resolve', 'resolve-ptr'] as const)(
    'other than connect get reply 7 unless they are served: %s',
    (command) => {
      const session = createServerSession()
      session.receive(anyone)
      const action = session.receive(encodeRequest({ command, destination }))
      expect(action).toMatchObject({ type: 'close', bytes: bytes(...failure(7)) })
    },
  )

  test('resolve is answered by an address', () => {
    const { session, action } = requested('resolve')
    expect(action).toMatchObject({ type: 'resolve', request: { destination: { host: 'a' } } })
    const { bytes: answer, type } = session.resolved('fd7a:115c:a1e0::1')
    const expected = { type: 'ipv6', host: 'fd7a:115c:a1e0::1', port: 0 } as const
    expect({ answer, type }).toEqual({
      answer: encodeReply({ replyCode: 0, bound: expected }),
      type: 'close',
    })
  })

  test('resolve-ptr is answered by a name, even one that looks like an address', () => {
    const { session, action } = requested('resolve-ptr', '100.64.0.1')
    expect(action).toMatchObject({ type: 'resolve', request: { command: 'resolve-ptr' } })
    const expected = { type: 'domain', host: '1.2.3.4', port: 0 } as const
    expect(session.resolved('1.2.3.4').bytes).toEqual(
      encodeReply({ replyCode: 0, bound: expected }),
    )
  })

  test('bind is answered twice', () => {
    const { session, action } = requested('bind')
    expect(action).toMatchObject({ type: 'bind' })
    const first = session.listening({ bound })
    expect(first).toEqual({ type: 'write', bytes: encodeReply({ replyCode: 0, bound }) })
    const peer = { ...bound, port: 7 }
    expect(session.dialed({ bound: peer })).toMatchObject({
      type: 'splice',
      bytes: encodeReply({ replyCode: 0, bound: peer }),
    })
  })

  test('bind can fail after its first answer', () => {
    const { session } = requested('bind')
    session.listening({ bound })
    expect(session.failed(6)).toMatchObject({ type: 'close', bytes: bytes(...failure(6)) })
  })

  test('udp-associate holds the connection', () => {
    const { session, action } = requested('udp-associate')
    expect(action).toMatchObject({ type: 'associate' })
    const held = session.associated({ bound })
    expect(held).toEqual({ type: 'hold', bytes: encodeReply({ replyCode: 0, bound }) })
  })
})

describe('a driver that is mistaken', () => {
  const calls: Record<string, (session: ServerSession) => unknown> = {
    receive: (session) => session.receive(payload),
    authenticated: (session) => session.authenticated(true),
    dialed: (session) => session.dialed(),
    spliced: (session) => session.spliced(),
    listening: (session) => session.listening({ bound }),
    associated: (session) => session.associated({ bound }),
    resolved: (session) => session.resolved('1.2.3.4'),
    failed: (session) => session.failed(1),
  }
  const fitting: Record<string, readonly string[]> = {
    new: ['receive'],
    authenticating: ['authenticated'],
    dialing: ['dialed', 'spliced', 'failed'],
    over: [],
  }
  function sessionThatIs(state: string): ServerSession {
    const session = createServerSession({ authentication: 'either' })
    if (state === 'authenticating') session.receive(concat(someone, credentials))
    if (state === 'dialing' || state === 'over') session.receive(concat(anyone, request))
    if (state === 'over') session.dialed()
    return session
  }

  test.for(
    Object.entries(fitting).flatMap(([state, fit]) =>
      Object.keys(calls)
        .filter((call) => !fit.includes(call))
        .map((call) => [call, state] as const),
    ),
  )('is told that %s does not fit a session that is %s', ([call, state]) => {
    expect(() => calls[call]?.(sessionThatIs(state))).toThrow(
      expect.objectContaining({ code: 'ERR_SOCKS5_STATE' }),
    )
  })

  test('cannot fail with success, and may then fail for real', () => {
    const session = sessionThatIs('dialing')
    expect(() => session.failed(0)).toThrow(expect.objectContaining({ code: 'ERR_SOCKS5_FIELD' }))
    expect(() => session.failed(256)).toThrow(expect.objectContaining({ code: 'ERR_SOCKS5_FIELD' }))
    expect(session.failed(1)).toMatchObject({ type: 'close' })
  })

  test('may correct a bound address that cannot be encoded', () => {
    const session = sessionThatIs('dialing')
    expect(() => session.dialed({ bound: { type: 'ipv4', host: 'nowhere', port: 1 } })).toThrow(
      expect.objectContaining({ code: 'ERR_SOCKS5_ADDRESS' }),
    )
    expect(session.dialed({ bound })).toMatchObject({
      bytes: concat(bytes(5, 0), encodeReply({ replyCode: 0, bound })),
    })
  })
})
