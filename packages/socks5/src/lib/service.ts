import { withDeadline } from './abortable.ts'
import { formatSocksAddress, type SocksAddress } from './address.ts'
import type { ClientConnection } from './client-connection.ts'
import { TimeoutError } from './errors.ts'
import { createRouter, type Router } from './route.ts'
import {
  type ClientInfo,
  DEFAULT_BIND_TIMEOUT,
  DEFAULT_DIAL_TIMEOUT,
  type Socks5ServerOptions,
} from './server-options.ts'
import type { ServerSession } from './server-session.ts'

/** What became of a client. */
export interface ClientReport {
  spliced(client: ClientInfo, destination: SocksAddress): void
  failed(client: ClientInfo, error: unknown): void
  closed(client: ClientInfo, error: Error | undefined): void
}

/** One client and all that serving its request needs. */
export class Service {
  readonly client: ClientConnection
  readonly session: ServerSession
  readonly options: Socks5ServerOptions
  readonly report: ClientReport
  readonly router: Router

  constructor(
    client: ClientConnection,
    session: ServerSession,
    options: Socks5ServerOptions,
    report: ClientReport,
  ) {
    this.client = client
    this.session = session
    this.options = options
    this.report = report
    this.router = createRouter(options)
  }

  /** Address of this machine for what else a request needs to listen on. */
  get relayHost(): string {
    return this.options.relayHost ?? this.client.socket.localAddress ?? '127.0.0.1'
  }

  /** Runs `task` until `dialTimeout` is over or the client has left. */
  withinDialTimeout<T>(target: SocksAddress, task: (signal: AbortSignal) => Promise<T>) {
    return this.#within(this.options.dialTimeout ?? DEFAULT_DIAL_TIMEOUT, target, task)
  }

  /** As `withinDialTimeout` with `bindTimeout`. */
  withinBindTimeout<T>(target: SocksAddress, task: (signal: AbortSignal) => Promise<T>) {
    return this.#within(this.options.bindTimeout ?? DEFAULT_BIND_TIMEOUT, target, task)
  }

  #within<T>(
    milliseconds: number,
    target: SocksAddress,
    task: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const error = () =>
      new TimeoutError(`Connection with ${formatSocksAddress(target)}`, milliseconds)
    return withDeadline(task, { signal: this.client.signal, milliseconds, error })
  }
}
