import type { Duplex } from 'node:stream'
import type { Credentials } from './credentials.ts'

/** Milliseconds for all of it: reaching the proxy, the handshake, and the proxy's own dial. */
export const DEFAULT_CONNECT_TIMEOUT = 30_000

/** Where a proxy listens. */
export interface ProxyAddress {
  /** @default '127.0.0.1' */
  host?: string
  port: number
}

export interface Socks5ClientOptions {
  /**
   * The proxy, or a connection to it that is open already, such as `connectSocks5` returns for
   * chaining. The connection belongs to the call from then on: it is destroyed if the call fails.
   */
  proxy: ProxyAddress | Duplex
  /** Sent only if the proxy asks for them, unless `optimistic`. */
  credentials?: Credentials
  /**
   * Sends the whole handshake in one write and saves up to two round trips. With `credentials` the
   * proxy has to ask for them, without it must not. Some proxies throw away what comes early: then
   * the call times out.
   * @default false
   */
  optimistic?: boolean
  /** Milliseconds, 1 to 2_147_483_647; after that {TimeoutError}. @default 30_000 */
  timeout?: number
  /** Aborting it rejects with its reason and closes the connection. */
  signal?: AbortSignal
}
