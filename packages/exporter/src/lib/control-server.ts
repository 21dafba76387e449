import { chmodSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { LineError } from '@tailproxy/control-protocol'
import { EventEmitter } from 'eventemitter3'
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
  const { path, mode = 0o600 } = options
  await claimSocketPath(path)
  const server = createServer()
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
  readonly #sockets = new Set<Socket>()

  constructor(server: Server, options: ControlServerOptions) {
    super()
    this.path = options.path
    this.#server = server
    server.maxConnections = options.maxConnections ?? DEFAULT_MAX_CONNECTIONS
    server.on('connection', (socket) => this.#serve(socket, options))
  }

  get connections(): number {
    return this.#sockets.size
  }

  #serve(socket: Socket, options: ControlServerOptions): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    serveConnection(socket, {
      exporter: options.exporter,
      run: options.run,
      unreadTimeout: options.unreadTimeout ?? DEFAULT_UNREAD_TIMEOUT,
      clock: options.clock ?? systemClock,
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
