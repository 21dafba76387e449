import {
  type Command,
  createServerSession,
  decodeReply,
  encodeCredentials,
  encodeGreeting,
  encodeRequest,
  normalizeSocksAddress,
  replyCodeOf,
  type ServerSession,
} from '@tailproxy/socks5'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeAddress } from '../src/lib/address.ts'
import { concat } from '../src/lib/octets.ts'

// A process that owns the client's socket, and reads on only when each read has been answered once,
// splices by itself and writes the bound address; the session lives elsewhere and sees bytes only.

const bound = { type: 'ipv4', host: '100.64.0.1', port: 50_000 } as const

/** What the process that owns the sockets has done. */
class Owner {
  toClient: Uint8Array = new Uint8Array(0)
  toPeer: Uint8Array = new Uint8Array(0)
  state: 'negotiating' | 'spliced' | 'closed' = 'negotiating'
  answers = 0
  readonly #refuses: boolean

  constructor(refuses: boolean) {
    this.#refuses = refuses
  }

  write(bytes: Uint8Array): void {
    this.answers += 1
    this.toClient = concat(this.toClient, bytes)
  }

  close(bytes: Uint8Array): void {
    this.write(bytes)
    this.state = 'closed'
  }

  async dial({ onSuccess, leftover }: { onSuccess: Uint8Array; leftover: Uint8Array }) {
    if (this.#refuses) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
    this.write(concat(onSuccess, encodeAddress(bound)))
    this.toPeer = leftover
    this.state = 'spliced'
  }
}

/** The driver, whole: each read of the client is answered by exactly one call. */
async function onClientBytes(session: ServerSession, owner: Owner, bytes: Uint8Array) {
  const action = session.receive(bytes)
  switch (action.type) {
    case 'write':
      return owner.write(action.bytes)
    case 'close':
      return owner.close(action.bytes)
    case 'dial': {
      normalizeSocksAddress(action.request.destination)
      try {
        await owner.dial(action)
        return session.spliced()
      } catch (error) {
        return owner.close(session.failed(replyCodeOf(error)).bytes)
      }
    }
    default:
      throw new Error(`${action.type} was not asked for`)
  }
}

const payload = Buffer.from('payload')
const destination = { type: 'domain', host: 'hello.lab', port: 80 } as const

function handshake(command: Command): Uint8Array {
  return concat(
    encodeGreeting({ methods: [2] }),
    encodeCredentials({ username: 'run-1', password: 'secret' }),
    encodeRequest({ command, destination }),
  )
}

const reads = (bytes: Uint8Array) =>
  fc
    .array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 8 })
    .map((cuts) => [0, ...[...new Set(cuts)].sort((a, b) => a - b), bytes.length])
    .map((edges) => edges.slice(1).map((end, at) => bytes.subarray(edges[at], end)))

test.for([
  ['is spliced', 'connect', false, 0],
  ['is refused by the target', 'connect', true, 5],
  ['asks for what is not served', 'bind', false, 7],
] as const)(
  'a client that %s costs one answer a read however it writes',
  async ([, command, refuses, replyCode]) => {
    const bytes = concat(handshake(command), payload)
    await fc.assert(
      fc.asyncProperty(reads(bytes), async (pieces) => {
        const session = createServerSession({
          authenticate: ({ username, password }) => username === 'run-1' && password === 'secret',
        })
        const owner = new Owner(refuses)
        let used = 0
        for (const piece of pieces) {
          if (owner.state !== 'negotiating') break
          used += 1
          await onClientBytes(session, owner, piece)
          expect(owner.answers).toBe(used)
        }
        expect([...owner.toClient.subarray(0, 4)]).toEqual([5, 2, 1, 0])
        const reply = decodeReply(owner.toClient.subarray(4))
        expect(reply).toMatchObject({ done: true, message: { replyCode } })
        expect(owner.state).toBe(replyCode === 0 ? 'spliced' : 'closed')
        if (replyCode !== 0) return
        const unread = concat(...pieces.slice(used))
        expect(concat(owner.toPeer, unread)).toEqual(Uint8Array.from(payload))
        expect(reply).toMatchObject({ message: { bound } })
      }),
    )
  },
)
