import { EventEmitter, once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { AcceptGate } from './accept-gate.ts'
import type { SocksAddress } from './address.ts'
import { socketAddress } from './bound-address.ts'
import { ClientConnection } from './client-connection.ts'
import { ClosedError } from './errors.ts'
import { reset } from './reset.ts'
import { serveClient } from './serve-client.ts'
import {
  type ClientInfo,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MAX_WAITING,
  type Socks5ServerOptions,
} from './server-options.ts'

export interface ListenOptions {
  /** @default '127.0.0.1' */
  host?: string
  /** @default 0, a port the kernel chooses */
  port?: number
}

export interface CloseOptions {
  /** Resets the clients that are left instead of waiting for them. @default false */
  immediate?: boolean
}

export type Socks5ServerEvents = {
  /** A client has got its reply: it is spliced, or its UDP association is open. */
  'client:spliced': [client: ClientInfo, destination: SocksAddress]
  /** After `client:spliced`: both ends are through, or `error` has broken it. */
  'client:closed': [client: ClientInfo, error: Error | undefined]
  /** A client was refused, has left, or was too slow, instead of `client:spliced`. */
  'client:failed': [client: ClientInfo, error: unknown]
  /** A client was closed unserved: `maxConnections` and `maxWaiting` were both reached. */
  'client:dropped': [source: SocksAddress]
  /** A connection could not be accepted (accept(2)), for want of descriptors for one. */
  'accept:failed': [error: Error]
}

export interface Socks5Server extends EventEmitter<Socks5ServerEvents> {
  /** Where it listens; `undefined` before `listen()` and after `close()`. */
  readonly address: SocksAddress | undefined
  /** Clients that are served, and that wait for their turn. */
  readonly connections: { serving: number; waiting: number }
  /** Resolves to the address once clients can connect. @throws Node's error, such as EADDRINUSE */
  listen(options?: ListenOptions): Promise<SocksAddress>
  /**
   * Stops accepting and turns away who waits. Resolves when the last client is through, so a second
   * call with `immediate` can hurry a first without.
   */
  close(options?: CloseOptions): Promise<void>
  /** `close({ immediate: true })` */
  [Symbol.asyncDispose](): Promise<void>
}

/** A SOCKS5 server on `node:net`. It serves nobody until `listen()`. */
export function createSocks5Server(options: Socks5ServerOptions = {}): Socks5Server {
  return new TcpServer(options)
}

class TcpServer extends EventEmitter<Socks5ServerEvents> implements Socks5Server {
  readonly #options: Socks5ServerOptions
  readonly #server: Server
  readonly #gate: AcceptGate<Socket>
  readonly #clients = new Set<ClientConnection>()
  #closed: Promise<void> = Promise.resolve()

  constructor(options: Socks5ServerOptions) {
    super()
    const { maxConnections = DEFAULT_MAX_CONNECTIONS, maxWaiting = DEFAULT_MAX_WAITING } = options
    this.#options = options
    this.#gate = new AcceptGate(maxConnections, (socket) => this.#serve(socket))
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true })
    this.#server.maxConnections = maxConnections + maxWaiting
    this.#server.on('connection', (socket) => {
      // One that waits may be reset; it is looked at when it is its turn.
      socket.on('error', () => {})
      this.#gate.add(socket)
    })
    this.#server.on('drop', (from) => {
      const { remoteAddress = '0.0.0.0', remotePort = 0 } = from ?? {}
      this.emit('client:dropped', socketAddress(remoteAddress, remotePort))
    })
  }

  get address(): SocksAddress | undefined {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') return undefined
    return socketAddress(address.address, address.port)
  }

  get connections(): { serving: number; waiting: number } {
    return { serving: this.#gate.serving, waiting: this.#gate.waiting }
  }

  async listen(options: ListenOptions = {}): Promise<SocksAddress> {
    const { host = '127.0.0.1', port = 0 } = options
    const { signal } = this.#options
    signal?.throwIfAborted()
    const server = this.#server.listen({ host, port })
    await once(server, 'listening')
    const onAcceptFailed = (error: Error) => this.emit('accept:failed', error)
    const onAbort = () => void this.close({ immediate: true })
    server.on('error', onAcceptFailed)
    signal?.addEventListener('abort', onAbort)
    this.#closed = new Promise<unknown>((resolve) => server.once('close', resolve)).then(() => {
      server.off('error', onAcceptFailed)
      signal?.removeEventListener('abort', onAbort)
    })
    if (signal?.aborted) {
      await this.close({ immediate: true })
      signal.throwIfAborted()
    }
    const { address } = this
    if (address === undefined) throw new ClosedError('Server')
    return address
  }

  async close({ immediate = false }: CloseOptions = {}): Promise<void> {
    if (this.#server.listening) this.#server.close()
    this.#gate.clear()
    if (immediate) {
      for (const client of this.#clients) {
        client.abort(new ClosedError('Server'))
        reset(client.socket)
      }
    }
    await this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close({ immediate: true })
  }

  async #serve(socket: Socket): Promise<void> {
    const client = new ClientConnection(socket)
    this.#clients.add(client)
    // On a later tick: what a listener throws is not for the serving of this client to handle.
    await serveClient(client, this.#options, {
      spliced: (info, to) => process.nextTick(() => this.emit('client:spliced', info, to)),
      failed: (info, error) => process.nextTick(() => this.emit('client:failed', info, error)),
      closed: (info, error) => process.nextTick(() => this.emit('client:closed', info, error)),
    })
    this.#clients.delete(client)
  }
}
