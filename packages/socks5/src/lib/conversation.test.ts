import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addresses, commands, credentials, requests, splits } from '../testing/arbitraries.ts'
import { mutated } from '../testing/codec-properties.ts'
import { createClientSession } from './client-session.ts'
import { Command } from './constants.ts'
import { type Credentials, encodeCredentials } from './credentials.ts'
import { Socks5Error } from './errors.ts'
import { encodeGreeting } from './greeting.ts'
import { concat, EMPTY } from './octets.ts'
import { encodeReply } from './reply.ts'
import { encodeRequest, type Request } from './request.ts'
import type { ServerAction } from './server-action.ts'
import { createServerSession, type ServerSession } from './server-session.ts'

const everyCommand = Object.keys(Command) as Command[]
const bound = { type: 'ipv4', host: '100.64.0.1', port: 1 } as const

interface Conversation {
  named: Credentials | null
  request: Request
  payload: Uint8Array
}

const conversations: fc.Arbitrary<Conversation> = fc.record({
  named: fc.option(credentials),
  request: requests,
  payload: fc.uint8Array({ maxLength: 40 }),
})

function bytesOf({ named, request, payload }: Conversation): Uint8Array {
  const greeting = encodeGreeting({ methods: named === null ? [0] : [0, 2] })
  const secret = named === null ? EMPTY : encodeCredentials(named)
  return concat(greeting, secret, encodeRequest(request), payload)
}

/** Feeds the pieces, answers each question with yes, returns all that was written and the end. */
function converse(session: ServerSession, pieces: readonly Uint8Array[]) {
  let written = EMPTY
  let behind = EMPTY
  let end: ServerAction | undefined
  for (const piece of pieces) {
    if (end !== undefined) {
      behind = concat(behind, piece)
      continue
    }
    let action = session.receive(piece)
    if (action.type === 'authenticate') action = session.authenticated(true)
    if (action.type === 'write' || action.type === 'close') written = concat(written, action.bytes)
    if (action.type !== 'write') end = action
  }
  return { written, end, behind }
}

describe('any conversation', () => {
  test('means the same however it is split', () => {
    const split = conversations.chain((conversation) =>
      fc.tuple(fc.constant(conversation), splits(bytesOf(conversation))),
    )
    fc.assert(
      fc.property(split, ([conversation, pieces]) => {
        const session = createServerSession({ authentication: 'either', commands: everyCommand })
        const { written, end, behind } = converse(session, pieces)
        if (end === undefined || !('request' in end)) throw new Error(`ended with ${end?.type}`)
        expect(end.request).toEqual(conversation.request)
        expect(end.username).toEqual(conversation.named?.username)
        expect(concat(end.leftover, behind)).toEqual(conversation.payload)
        const answers = conversation.named === null ? [5, 0, 5, 0, 0] : [5, 2, 1, 0, 5, 0, 0]
        expect([...concat(written, end.onSuccess)]).toEqual(answers)
      }),
      { numRuns: 300 },
    )
  })

  test('that is broken is refused the same however it is split', () => {
    const split = mutated(conversations.map(bytesOf)).chain((bytes) =>
      fc.tuple(fc.constant(bytes), splits(bytes)),
    )
    fc.assert(
      fc.property(split, ([bytes, pieces]) => {
        const options = { authentication: 'either', commands: everyCommand } as const
        const whole = converse(createServerSession(options), [bytes])
        const split = converse(createServerSession(options), pieces)
        expect(split.end?.type).toBe(whole.end?.type)
        if (whole.end?.type === 'close') expect(split.written).toEqual(whole.written)
      }),
      { numRuns: 500 },
    )
  })

  test('between our client and our server comes to its end, a byte at a time', () => {
    fc.assert(
      fc.property(
        fc.option(credentials, { nil: undefined }),
        addresses,
        fc.boolean(),
        (named, destination, optimistic) => {
          const client = createClientSession({ destination, credentials: named, optimistic })
          const server = createServerSession({
            authentication: named === undefined ? 'none' : 'either',
          })
          let toServer = [...client.opening]
          const toClient: number[] = []
          for (;;) {
            for (const octet of toServer) {
              let action = server.receive(Uint8Array.of(octet))
              if (action.type === 'authenticate') action = server.authenticated(true)
              if (action.type === 'dial') action = server.dialed({ bound })
              if (!('bytes' in action)) throw new Error(action.type)
              toClient.push(...action.bytes)
            }
            toServer = []
            for (const octet of toClient.splice(0)) {
              const action = client.receive(Uint8Array.of(octet))
              if (action.type === 'done') {
                expect(action.reply.bound).toEqual(bound)
                return
              }
              toServer.push(...action.bytes)
            }
          }
        },
      ),
    )
  })
})

describe('nothing untyped is thrown', () => {
  const calls: fc.Arbitrary<(session: ServerSession) => unknown> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.uint8Array().map((bytes) => (s: ServerSession) => s.receive(bytes)),
    },
    fc.boolean().map((yes) => (s: ServerSession) => s.authenticated(yes)),
    addresses.map((bound) => (s: ServerSession) => s.dialed({ bound })),
    addresses.map((bound) => (s: ServerSession) => s.listening({ bound })),
    addresses.map((bound) => (s: ServerSession) => s.associated({ bound })),
    fc.string().map((host) => (s: ServerSession) => s.resolved(host)),
    fc.integer({ min: -2, max: 300 }).map((code) => (s: ServerSession) => s.failed(code)),
    fc.constant((s: ServerSession) => s.spliced()),
  )

  test('by a server session, whatever is received and whatever is called', () => {
    const beginnings = fc.oneof(
      mutated(conversations.map(bytesOf)),
      conversations.map(bytesOf),
      fc.uint8Array(),
    )
    fc.assert(
      fc.property(beginnings, fc.array(calls), commands, (beginning, rest, command) => {
        const session = createServerSession({ authentication: 'either', commands: [command] })
        // What a client sends is never thrown back at the driver.
        session.receive(beginning)
        for (const call of rest) allowingTyped(() => call(session))
      }),
      { numRuns: 1000 },
    )
  })

  test('by a client session, whatever the server answers', () => {
    const answers = fc
      .record({ replyCode: fc.constantFrom(0, 0, 5, 99), bound: addresses })
      .map((reply) => concat(Uint8Array.of(5, 2, 1, 0), encodeReply(reply)))
    fc.assert(
      fc.property(mutated(answers).chain(splits), (pieces) => {
        const session = createClientSession({
          destination: bound,
          credentials: { username: 'a', password: 'b' },
        })
        for (const piece of pieces) allowingTyped(() => session.receive(piece))
      }),
      { numRuns: 1000 },
    )
  })

  function allowingTyped(call: () => unknown): void {
    try {
      call()
    } catch (error) {
      if (!(error instanceof Socks5Error)) throw error
    }
  }
})
