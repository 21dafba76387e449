import type { FilterChain } from '@tailproxy/port-filter'
import type { SocketPlace } from './socket-place.ts'

export interface SessionOptions {
  /** The sidecar's executable. */
  sidecar: string
  /** Put before the sidecar's role, for one that is a script. */
  sidecarArgs?: readonly string[]
  /** The sidecar's whole environment. Keep the preload library out of it. */
  env: NodeJS.ProcessEnv
  hostname: string
  /** Made with mode 0700 if it is not there. */
  stateDirectory: string
  /** Where its sockets lie. @default in the state directory, if their paths are not too long there */
  place?: SocketPlace
  authKey?: string
  /** @default Tailscale's own */
  controlUrl?: string
  /** Whether the node leaves the tailnet with the session. @default false */
  ephemeral?: boolean
  /** As `tag:ci`. */
  tags?: readonly string[]
  /** What traffic for outside the tailnet goes through; nothing is served before it is verified. */
  exitNode?: ExitNodeChoice
  tailscaleLogs?: boolean
  /** Port of the SOCKS5 listener on 127.0.0.1; 0 lets the kernel choose. @default 0 */
  port?: number
  /**
   * Milliseconds for a dial by SOCKS5, looking the name up included. By the dial socket a program
   * waits as long as the kernel has it wait.
   * @default 10_000
   */
  dialTimeout?: number
  /**
   * Who has a say about flows and exports that are of no run, or of one without filters of its own.
   * Disposed of with the session.
   * @default nobody
   */
  filters?: FilterChain
  /** Called on the way up, before the session is there to listen to, and on the way up again. */
  onState?: (state: string, detail: string | undefined) => void
  onAuthUrl?: (url: string) => void
  signal?: AbortSignal
}

/** In order of preference; with none, traffic for outside the tailnet leaves from the host. */
export interface ExitNodeChoice {
  /** Each a name, an address or a stable id of a node, or `auto`. */
  nodes: readonly string[]
  /** Whether the host's own network is reached past it. */
  lanAccess: boolean
}
