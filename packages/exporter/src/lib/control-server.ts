import { chmodSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { LineError } from '@tailproxy/control-protocol'
import { EventEmitter } from 'eventemitter3'
import { type AskCredentials, Doorkeeper } from './admission.ts'
import { claimSocketPath } from './claim-socket-path.ts'
import { type Clock, systemClock } from './clock.ts'
import { serveConnection } from './control-connection.ts'
import { ControlSocketError } from './errors.ts'
import type { Exporter } from './exporter.ts'

export const DEFAULT_MAX_CONNECTIONS = 1024
/** Milliseconds for a client to read its answers, when 16 KiB of them are waiting for it. */
export const DEFAULT_UNREAD_TIMEOUT = 10_000

export interface ControlServerOptions {
  exporter: Exporter
  /** Absolute, 107 bytes at the most, in a directory that is the user's alone (0700). */
  path: string
  /** The socket's. @default 0o600 */
  mode?: number
  /**
   * Asks the kernel whose a connection is, before anything is read from it; one whose answer fails is refused. Node
   * itself has no call for that, and without this the modes of socket and directory alone keep others out.
   */
  credentials?: AskCredentials
  /** Whose connections are served, by user id. @default the process's own user, and root (0) */
  users?: readonly number[]
  /** The wrapped command whose listeners these are, for the filter. */
  run?: string
  /** At once; further ones are closed when they have come. @default 1024 */
  maxConnections?: number
  /** Milliseconds for a client to read its answers before it is cut. @default 10_000 */
  unreadTimeout?: number
  /** @default that of the process */
  clock?: Clock
}

export interface ControlServerEvents {
  /** A line is none of the protocol. In version 2 its client has been told so. */
  'line:malformed': (error: LineError, pid: number | undefined) => void
  /** A client has not read its answers in time. */
  'connection:cut': (pid: number | undefined) => void
  /** A connection is another user's, or nobody could say whose. Nothing of it was read. */
  'connection:refused': (reason: string) => void
  /** A connection came while there were `maxConnections`. */
  'connection:dropped': () => void
}

export interface ControlServer extends EventEmitter<ControlServerEvents> {
  readonly path: string
  readonly connections: number
  /** Ends all connections, which ends their exports, and removes the socket. */
  close(): Promise<void>
}

/**
 * Serves docs/control-protocol.md, versions 1 and 2, on a Unix stream socket.
 * @throws {ControlSocketError} when there can be no socket at the path
 */
export async function serveControlSocket(options: ControlServerOptions): Promise<ControlServer> {
  const { path, mode = 0o600, credentials } = options
  await claimSocketPath(path)
  const server = createServer({ pauseOnConnect: credentials !== undefined })
  const serving = new NetControlServer(server, options)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: Error) => {
      reject(new ControlSocketError(path, cause.message, { cause }))
    })
    server.listen(path, resolve)
    // bind(2) has been called by now; until here it is the directory that keeps others out.
    if (server.listening) chmodSync(path, mode)
  })
  return serving
}

class NetControlServer extends EventEmitter<ControlServerEvents> implements ControlServer {
  readonly path: string
  readonly #server: Server
  readonly #options: ControlServerOptions
  readonly #doorkeeper: Doorkeeper | undefined
  readonly #sockets = new Set<Socket>()

  constructor(server: Server, options: ControlServerOptions) {
    super()
    const { path, credentials, users, maxConnections = DEFAULT_MAX_CONNECTIONS } = options
    this.path = path
    this.#options = options
    this.#server = server
    this.#doorkeeper = credentials && new Doorkeeper(credentials, users)
    server.maxConnections = maxConnections
    server.on('connection', (socket) => void this.#take(socket))
    server.on('drop', () => this.emit('connection:dropped'))
  }

  get connections(): number {
    return this.#sockets.size
  }

  async #take(socket: Socket): Promise<void> {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    if (!this.#doorkeeper) {
      this.#serve(socket)
      return
    }
    // Until it is served: it ends, then, and that is all.
    const ignore = () => {}
    socket.on('error', ignore)
    const admission = await this.#doorkeeper.admit(socket)
    if (socket.destroyed) return
    if ('refused' in admission) {
      socket.destroy()
      this.emit('connection:refused', admission.refused)
      return
    }
    this.#serve(socket, admission.pid)
    socket.off('error', ignore)
    socket.resume()
  }

  #serve(socket: Socket, connectedBy?: number): void {
    const {
      exporter,
      run,
      unreadTimeout = DEFAULT_UNREAD_TIMEOUT,
      clock = systemClock,
    } = this.#options
    serveConnection(socket, {
      exporter,
      run,
      connectedBy,
      unreadTimeout,
      clock,
      onMalformed: (error, pid) => this.emit('line:malformed', error, pid),
      onCut: (pid) => this.emit('connection:cut', pid),
    })
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}
