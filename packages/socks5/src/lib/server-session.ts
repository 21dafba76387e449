import { type SocksAddress, toSocksAddress, UNSPECIFIED } from './address.ts'
import { encodeAuthenticationStatus } from './authentication-status.ts'
import { type Command, Method } from './constants.ts'
import { type Credentials, decodeCredentials } from './credentials.ts'
import type { Decoded } from './decoded.ts'
import {
  AuthenticationError,
  CommandError,
  FieldError,
  MethodError,
  SessionStateError,
  Socks5Error,
} from './errors.ts'
import { decodeGreeting } from './greeting.ts'
import { encodeMethodSelection } from './method-selection.ts'
import { concat, EMPTY } from './octets.ts'
import { encodeReply, encodeReplyPrefix } from './reply.ts'
import { ReplyCode } from './reply-code.ts'
import { decodeRequest } from './request.ts'
import type {
  CloseAction,
  HoldAction,
  ServerAction,
  SpliceAction,
  WriteAction,
} from './server-action.ts'

export interface ServerSessionOptions {
  /**
   * `none`: nobody is asked. `password`: RFC 1929 or nothing. `either`: RFC 1929 for clients that
   * offer it, the others come in without a name.
   * @default 'password' if there is an `authenticate`, else 'none'
   */
  authentication?: 'none' | 'password' | 'either'
  /**
   * Judges credentials on the spot. Without it the session returns an `authenticate` action, which
   * may take its time. Anything but `true` refuses. What it throws comes out of `receive()`.
   */
  authenticate?: (credentials: Credentials) => boolean
  /** Commands that are served; all others get reply 7. @default ['connect'] */
  commands?: readonly Command[]
}

/** The bound address of a reply. @default 0.0.0.0:0, "I do not know" */
export interface BoundOptions {
  bound?: SocksAddress
}

/**
 * One client's handshake, from its first byte to the splice, without I/O: each call takes what
 * happened and returns the one thing to do. What a client sends never throws; a call that does not
 * fit the state throws {SessionStateError}.
 */
export interface ServerSession {
  /** Any bytes of the client, in any pieces. Not while an action waits for its answer. */
  receive(bytes: Uint8Array): ServerAction
  /** Answers `authenticate`. */
  authenticated(accepted: boolean): ServerAction
  /** Answers `dial`, or a `bind` that was told `listening()`: the other end is connected. */
  dialed(options?: BoundOptions): SpliceAction
  /** Answers `dial`: connected, and `onSuccess` with the bound address was written elsewhere. */
  spliced(): void
  /** First answer to `bind`: the address to tell whoever shall connect. */
  listening(options: Required<BoundOptions>): WriteAction
  /** Answers `associate`: the address to send datagrams to. */
  associated(options: Required<BoundOptions>): HoldAction
  /** Answers `resolve`: the address found, or for `resolve-ptr` the name. */
  resolved(host: string): CloseAction
  /** Answers `dial`, `bind`, `associate` or `resolve`. @param replyCode 1 to 255 */
  failed(replyCode: number): CloseAction
}

export function createServerSession(options: ServerSessionOptions = {}): ServerSession {
  return new Session(options)
}

type State =
  | 'reading a greeting'
  | 'reading credentials'
  | 'authenticating'
  | 'reading a request'
  | 'dialing'
  | 'binding'
  | 'accepting'
  | 'associating'
  | 'resolving'
  | 'over'

const READING: readonly State[] = ['reading a greeting', 'reading credentials', 'reading a request']
const ANSWERING: readonly State[] = ['dialing', 'binding', 'accepting', 'associating', 'resolving']

const NEXT = {
  connect: { type: 'dial', state: 'dialing' },
  bind: { type: 'bind', state: 'binding' },
  'udp-associate': { type: 'associate', state: 'associating' },
  resolve: { type: 'resolve', state: 'resolving' },
  'resolve-ptr': { type: 'resolve', state: 'resolving' },
} as const

const METHODS = {
  none: [Method.noAuthentication],
  password: [Method.usernamePassword],
  // A client that offers credentials wants to be told apart.
  either: [Method.usernamePassword, Method.noAuthentication],
} as const

class Session implements ServerSession {
  readonly #methods: readonly number[]
  readonly #authenticate: ((credentials: Credentials) => boolean) | undefined
  readonly #commands: readonly Command[]
  #state: State = 'reading a greeting'
  #username: string | undefined
  #received = EMPTY
  /** Answers not written yet: they leave with the next action that writes. */
  #owed = EMPTY
  #leftover = EMPTY
  #command: Command = 'connect'

  constructor({ authenticate, authentication, commands = ['connect'] }: ServerSessionOptions) {
    this.#authenticate = authenticate
    this.#methods = METHODS[authentication ?? (authenticate ? 'password' : 'none')]
    this.#commands = [...commands]
  }

  receive(bytes: Uint8Array): ServerAction {
    this.#expect('receive()', READING)
    this.#received = concat(this.#received, bytes)
    return this.#refusingErrors(() => {
      if (this.#state === 'reading a greeting') return this.#readGreeting()
      return this.#state === 'reading credentials' ? this.#readCredentials() : this.#readRequest()
    })
  }

  authenticated(accepted: boolean): ServerAction {
    this.#expect('authenticated()', ['authenticating'])
    return this.#refusingErrors(() => this.#judge(accepted))
  }

  dialed({ bound = UNSPECIFIED }: BoundOptions = {}): SpliceAction {
    this.#expect('dialed()', ['dialing', 'accepting'])
    const bytes = this.#answer(ReplyCode.succeeded, bound)
    this.#state = 'over'
    return { type: 'splice', bytes, leftover: this.#leftover }
  }

  spliced(): void {
    this.#expect('spliced()', ['dialing'])
    this.#state = 'over'
  }

  listening({ bound }: Required<BoundOptions>): WriteAction {
    this.#expect('listening()', ['binding'])
    const bytes = this.#answer(ReplyCode.succeeded, bound)
    this.#state = 'accepting'
    return { type: 'write', bytes }
  }

  associated({ bound }: Required<BoundOptions>): HoldAction {
    this.#expect('associated()', ['associating'])
    const bytes = this.#answer(ReplyCode.succeeded, bound)
    this.#state = 'over'
    return { type: 'hold', bytes }
  }

  resolved(host: string): CloseAction {
    this.#expect('resolved()', ['resolving'])
    const isName = this.#command === 'resolve-ptr'
    const bound = isName ? ({ type: 'domain', host, port: 0 } as const) : toSocksAddress(host, 0)
    const bytes = this.#answer(ReplyCode.succeeded, bound)
    this.#state = 'over'
    return { type: 'close', bytes, error: undefined }
  }

  failed(replyCode: number): CloseAction {
    this.#expect('failed()', ANSWERING)
    if (replyCode === ReplyCode.succeeded) throw new FieldError('failure', replyCode, 255)
    const bytes = this.#answer(replyCode, UNSPECIFIED)
    this.#state = 'over'
    return { type: 'close', bytes, error: undefined }
  }

  #readGreeting(): ServerAction {
    const greeting = this.#take(decodeGreeting)
    if (greeting === undefined) return this.#write()
    const method = this.#methods.find((each) => greeting.methods.includes(each))
    if (method === undefined) throw new MethodError(`Client offers only ${greeting.methods}`)
    this.#owe(encodeMethodSelection({ method }))
    return method === Method.noAuthentication ? this.#readRequest() : this.#readCredentials()
  }

  #readCredentials(): ServerAction {
    this.#state = 'reading credentials'
    const credentials = this.#take(decodeCredentials)
    if (credentials === undefined) return this.#write()
    this.#state = 'authenticating'
    this.#username = credentials.username
    if (this.#authenticate === undefined) return { type: 'authenticate', credentials }
    return this.#judge(this.#authenticate(credentials))
  }

  #judge(accepted: boolean): ServerAction {
    // Not just truthy: the promise of an async function given for `authenticate` is no consent.
    if (accepted !== true) throw new AuthenticationError()
    this.#owe(encodeAuthenticationStatus({ status: 0 }))
    return this.#readRequest()
  }

  #readRequest(): ServerAction {
    this.#state = 'reading a request'
    const request = this.#take(decodeRequest)
    if (request === undefined) return this.#write()
    if (!this.#commands.includes(request.command)) throw new CommandError(request.command)
    const { type, state } = NEXT[request.command]
    this.#state = state
    this.#command = request.command
    this.#leftover = this.#received
    this.#received = EMPTY
    const onSuccess = concat(this.#owed, encodeReplyPrefix(ReplyCode.succeeded))
    return { type, request, username: this.#username, onSuccess, leftover: this.#leftover }
  }

  #take<T>(decode: (bytes: Uint8Array) => Decoded<T>): T | undefined {
    const decoded = decode(this.#received)
    if (!decoded.done) return undefined
    this.#received = this.#received.subarray(decoded.consumed)
    return decoded.message
  }

  #owe(bytes: Uint8Array): void {
    this.#owed = concat(this.#owed, bytes)
  }

  #pay(): Uint8Array {
    const bytes = this.#owed
    this.#owed = EMPTY
    return bytes
  }

  #write(): WriteAction {
    return { type: 'write', bytes: this.#pay() }
  }

  #answer(replyCode: number, bound: SocksAddress): Uint8Array {
    // Encoded first: if `bound` cannot be, nothing has changed and the driver may try another.
    const reply = encodeReply({ replyCode, bound })
    return concat(this.#pay(), reply)
  }

  #refusingErrors(step: () => ServerAction): ServerAction {
    try {
      return step()
    } catch (error) {
      if (!(error instanceof Socks5Error)) throw error
      this.#owe(this.#refusal(error))
      this.#state = 'over'
      return { type: 'close', bytes: this.#pay(), error }
    }
  }

  /** What the RFCs have to say to a client at this point: there are no replies before a request. */
  #refusal(error: Socks5Error): Uint8Array {
    switch (this.#state) {
      case 'reading a greeting':
        if (!(error instanceof MethodError)) return EMPTY
        return encodeMethodSelection({ method: Method.noneAcceptable })
      case 'reading credentials':
      case 'authenticating':
        return encodeAuthenticationStatus({ status: 1 })
      default:
        return encodeReply({ replyCode: error.replyCode, bound: UNSPECIFIED })
    }
  }

  #expect(call: string, states: readonly State[]): void {
    if (!states.includes(this.#state)) throw new SessionStateError(call, this.#state)
  }
}
