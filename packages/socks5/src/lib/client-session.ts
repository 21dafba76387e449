import { formatSocksAddress, type SocksAddress } from './address.ts'
import { decodeAuthenticationStatus } from './authentication-status.ts'
import { type Command, Method } from './constants.ts'
import { type Credentials, encodeCredentials } from './credentials.ts'
import type { Decoded } from './decoded.ts'
import { AuthenticationError, MethodError, ReplyError, SessionStateError } from './errors.ts'
import { encodeGreeting } from './greeting.ts'
import { decodeMethodSelection } from './method-selection.ts'
import { concat, EMPTY } from './octets.ts'
import { decodeReply, type Reply } from './reply.ts'
import { ReplyCode } from './reply-code.ts'
import { encodeRequest } from './request.ts'

export interface ClientSessionOptions {
  destination: SocksAddress
  /** @default 'connect' */
  command?: Command
  /** Without them only "no authentication" is offered, with them both. */
  credentials?: Credentials | undefined
  /**
   * Sends everything in one write and saves up to two round trips. The one method the server may
   * then choose is username/password if there are credentials, otherwise none. A server that
   * throws away what comes early hangs.
   * @default false
   */
  optimistic?: boolean
}

export type ClientAction =
  | { type: 'write'; bytes: Uint8Array; needed: number }
  | { type: 'done'; reply: Reply; leftover: Uint8Array }

/** A client's handshake without I/O. */
export interface ClientSession {
  /** Write this first, then read and call `receive()`. */
  readonly opening: Uint8Array
  /**
   * `write`: write `bytes`, which may be none, then read at least `needed` bytes; who reads exactly
   * as many never takes a byte that is not the handshake's. `done`: the request has succeeded and
   * `leftover` came behind the reply. The second reply to a `bind` is left to `decodeReply`.
   * @throws {MethodError | AuthenticationError | ReplyError} when the server refuses
   * @throws {VersionError | AddressTypeError | DomainNameError} when it does not speak SOCKS5
   * @throws {SessionStateError} after `done` or a refusal
   */
  receive(bytes: Uint8Array): ClientAction
}

/**
 * @throws {CredentialsError | AddressError | DomainNameError | FieldError} for what the formats
 * cannot carry, before anything is sent
 */
export function createClientSession(options: ClientSessionOptions): ClientSession {
  return new Session(options)
}

type State = 'reading a method' | 'reading a status' | 'reading a reply' | 'over'

class Session implements ClientSession {
  readonly opening: Uint8Array
  readonly #target: string
  readonly #offered: readonly number[]
  readonly #optimistic: boolean
  readonly #credentials: Uint8Array
  readonly #request: Uint8Array
  #state: State = 'reading a method'
  #received = EMPTY
  #unsent = EMPTY

  constructor({ destination, command = 'connect', ...options }: ClientSessionOptions) {
    const { credentials, optimistic = false } = options
    this.#target = formatSocksAddress(destination)
    this.#optimistic = optimistic
    this.#offered = methodsFor(credentials !== undefined, optimistic)
    this.#credentials = credentials === undefined ? EMPTY : encodeCredentials(credentials)
    this.#request = encodeRequest({ command, destination })
    const greeting = encodeGreeting({ methods: [...this.#offered] })
    this.opening = optimistic ? concat(greeting, this.#credentials, this.#request) : greeting
  }

  receive(bytes: Uint8Array): ClientAction {
    if (this.#state === 'over') throw new SessionStateError('receive()', this.#state)
    this.#received = concat(this.#received, bytes)
    try {
      if (this.#state === 'reading a method') return this.#readMethod()
      return this.#state === 'reading a status' ? this.#readStatus() : this.#readReply()
    } catch (error) {
      this.#state = 'over'
      throw error
    }
  }

  #readMethod(): ClientAction {
    return this.#take(decodeMethodSelection, ({ method }) => {
      if (!this.#offered.includes(method)) throw new MethodError(refusal(method, this.#offered))
      if (method === Method.noAuthentication) return this.#sendRequest()
      this.#send(this.#credentials)
      this.#state = 'reading a status'
      return this.#readStatus()
    })
  }

  #readStatus(): ClientAction {
    return this.#take(decodeAuthenticationStatus, ({ status }) => {
      if (status !== 0) throw new AuthenticationError()
      return this.#sendRequest()
    })
  }

  #sendRequest(): ClientAction {
    this.#send(this.#request)
    this.#state = 'reading a reply'
    return this.#readReply()
  }

  #readReply(): ClientAction {
    return this.#take(decodeReply, (reply) => {
      if (reply.replyCode !== ReplyCode.succeeded) {
        throw new ReplyError(this.#target, reply.replyCode)
      }
      this.#state = 'over'
      return { type: 'done', reply, leftover: this.#received }
    })
  }

  #send(bytes: Uint8Array): void {
    if (!this.#optimistic) this.#unsent = concat(this.#unsent, bytes)
  }

  #take<T>(decode: (bytes: Uint8Array) => Decoded<T>, then: (message: T) => ClientAction) {
    const decoded = decode(this.#received)
    if (decoded.done) {
      this.#received = this.#received.subarray(decoded.consumed)
      return then(decoded.message)
    }
    const bytes = this.#unsent
    this.#unsent = EMPTY
    return { type: 'write', bytes, needed: decoded.needed } as const
  }
}

function methodsFor(hasCredentials: boolean, optimistic: boolean): readonly number[] {
  if (!hasCredentials) return [Method.noAuthentication]
  // What has been sent behind the greeting has to fit whichever method is chosen.
  return optimistic ? [Method.usernamePassword] : [Method.noAuthentication, Method.usernamePassword]
}

function refusal(method: number, offered: readonly number[]): string {
  return method === Method.noneAcceptable
    ? `SOCKS5 server accepts none of the methods ${offered}`
    : `SOCKS5 server chose method ${method}, which was not offered`
}
