import type { Socket } from 'node:net'
import { socketAddress } from './bound-address.ts'
import { ClosedError } from './errors.ts'
import { Inbox } from './inbox.ts'
import type { ClientInfo } from './server-options.ts'

/** Milliseconds that a client has to read a refusal before it is cut off. */
const LINGER = 1_000

/** A client until its splice: its socket, what it sent, and whether it is still there. */
export class ClientConnection {
  readonly socket: Socket
  readonly inbox: Inbox
  readonly #source: { host: string; port: number }
  readonly #controller = new AbortController()
  #username: string | undefined
  #leavesByEnding = false

  constructor(socket: Socket) {
    this.socket = socket
    // Undefined when the client was gone before it was looked at.
    const { remoteAddress = '0.0.0.0', remotePort = 0 } = socket
    this.#source = { host: remoteAddress, port: remotePort }
    socket.on('error', (error) => this.abort(error))
    socket.once('close', () => this.abort(new ClosedError('Client')))
    this.inbox = new Inbox(socket, () => this.#leaveIfExhausted())
  }

  get info(): ClientInfo {
    const { host, port } = this.#source
    return { source: socketAddress(host, port), username: this.#username }
  }

  /** Aborted when the client has left, or with what `abort()` was given. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason)
  }

  authenticatedAs(username: string): void {
    this.#username = username
  }

  /**
   * From here on, until the reply, an end with no byte behind the request means that the client has
   * left: close(2) and shutdown(2) look the same, but a client that waits has no reason for the
   * latter yet. With bytes behind the request it is a half-close, to be carried over.
   */
  awaitReply(leftover: Uint8Array): void {
    this.#leavesByEnding = leftover.length === 0
    this.#leaveIfExhausted()
  }

  /** The client has its reply: what it does from here on is the splice's. Returns what it sent. */
  release(): Uint8Array {
    this.#leavesByEnding = false
    return this.inbox.release()
  }

  /**
   * Writes, closes, and reads on until the client closes as well: closing over unread bytes would
   * reset the connection (RFC 1122 section 4.2.2.13), and the reset can overtake the reply.
   */
  writeLast(bytes: Uint8Array): void {
    this.release()
    const timer = setTimeout(() => this.socket.destroy(), LINGER)
    this.socket.once('close', () => clearTimeout(timer))
    this.socket.end(bytes)
    this.socket.resume()
  }

  write(bytes: Uint8Array): void {
    if (bytes.length > 0) this.socket.write(bytes)
  }

  #leaveIfExhausted(): void {
    if (this.#leavesByEnding && this.inbox.exhausted) this.abort(new ClosedError('Client'))
  }
}
