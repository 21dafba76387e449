import type { Duplex } from 'node:stream'
import type { SocksAddress } from './address.ts'
import type { Command } from './constants.ts'
import type { Credentials } from './credentials.ts'

/** Milliseconds a client has, from its turn to a whole request. */
export const DEFAULT_HANDSHAKE_TIMEOUT = 30_000
/** Milliseconds. Far below tcp(7)'s ~127 s of SYN retries, so this is the error users see. */
export const DEFAULT_DIAL_TIMEOUT = 10_000
/** Milliseconds that BIND waits for its one connection. */
export const DEFAULT_BIND_TIMEOUT = 60_000
export const DEFAULT_MAX_CONNECTIONS = 256
export const DEFAULT_MAX_WAITING = 256

/** Who asks. */
export interface ClientInfo {
  /** Where the client connects from. */
  source: SocksAddress
  /** `undefined` until it has authenticated, or if it does not have to. */
  username: string | undefined
}

export interface RuleContext extends ClientInfo {
  command: Command
  /** What was asked for, a literal in the clothes of a name as the address it is. */
  destination: SocksAddress
  /** The name that `destination` was resolved from. */
  name: string | undefined
}

/** The reason is for the operator: it goes to `client:failed`, the client gets reply 2. */
export type RuleVerdict = { allow: true } | { allow: false; reason: string }

export interface DialContext extends ClientInfo {
  /** Addresses of a name that the rules allow; `undefined` if the server was not to resolve. */
  addresses: readonly string[] | undefined
  /** Aborted when the client leaves, the time is up or the server closes. */
  signal: AbortSignal
}

export interface ResolveContext {
  signal: AbortSignal
}

export interface Socks5ServerOptions {
  /** @default 'password' if there is an `authenticate`, else 'none' */
  authentication?: 'none' | 'password' | 'either'
  /**
   * Judges credentials; `compareCredentials` does it in constant time. Anything but `true` refuses,
   * and so does a rejection.
   */
  authenticate?: (credentials: Credentials, client: ClientInfo) => boolean | Promise<boolean>
  /**
   * Allows or denies, asked once for each request, again for each address a name resolves to (that
   * defeats names that point inside), and for each destination of a UDP association. A rejection
   * denies.
   * @default everything is allowed
   */
  rules?: (context: RuleContext) => RuleVerdict | Promise<RuleVerdict>
  /**
   * Addresses of a name, best first; none if it does not exist. Without it and with a `dial` of
   * your own, `dial` gets names as they are and nothing is looked up here.
   * @default dns.lookup
   */
  resolve?: (name: string, context: ResolveContext) => Promise<readonly string[]>
  /** Names of an address, for `resolve-ptr`. @default dns.reverse */
  reverse?: (address: string, context: ResolveContext) => Promise<readonly string[]>
  /**
   * Connects. Errors are told to the client by their `code` (ECONNREFUSED, …) or `replyCode`. A
   * stream that should pass on half-closes has to be created with `allowHalfOpen`.
   * @default net.connect
   */
  dial?: (destination: SocksAddress, context: DialContext) => Promise<Duplex>
  /**
   * What is served; the rest gets reply 7. Each but `connect` goes past a `dial` of your own:
   * `udp-associate` and `bind` use this machine's network, `resolve` its resolver unless injected.
   * @default ['connect']
   */
  commands?: readonly Command[]
  /**
   * Address of this machine that `bind` and `udp-associate` listen on and tell the client.
   * @default the one that the client has connected to
   */
  relayHost?: string
  /**
   * How long a client has, from its turn to a whole request, before it is cut off. Milliseconds, 1
   * to 2_147_483_647. It gets no reply: RFC 1928 section 6 has one only for a request.
   * @default 30_000
   */
  handshakeTimeout?: number
  /** Rules, resolving and connecting together, then reply 6. Milliseconds. @default 10_000 */
  dialTimeout?: number
  /** How long `bind` waits for its connection, then reply 6. Milliseconds. @default 60_000 */
  bindTimeout?: number
  /** Clients served at once, spliced ones included. @default 256 */
  maxConnections?: number
  /**
   * Clients beyond those that are accepted but left unread until it is their turn, however long
   * that takes. Yet more are closed at once, since Node cannot leave them in the backlog.
   * @default 256
   */
  maxWaiting?: number
  /** Aborting it closes the server and resets all its clients. */
  signal?: AbortSignal
}
