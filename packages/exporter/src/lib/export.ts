import type { Network } from './port-key.ts'

/** What the sidecar counts (its `ExportState`). A flow of UDP counts as a connection. */
export interface ExportState {
  /** The backend's number of the export. */
  readonly export: number
  /** Open ones. */
  readonly connections: number
  readonly accepted: number
  /** Peers that were not let in. */
  readonly refused: number
  readonly bytesUp: number
  readonly bytesDown: number
  /** Datagrams that were not carried: too long for the other side, or too many at once. */
  readonly dropped?: number | undefined
  /** Why the last connection could not be forwarded. */
  readonly error?: { readonly code: string; readonly message: string } | undefined
}

/** A port of the tailnet behind which somebody listens. A snapshot: it does not change. */
export interface Export extends ExportState {
  readonly network: Network
  /** On the tailnet, and on this host. */
  readonly port: number
  /** Where its connections go, as `127.0.0.1:8000`: one of each family at the most. */
  readonly targets: readonly string[]
  /** Where the tailnet reaches it, as `100.64.0.1:8000`. */
  readonly addresses: readonly string[]
  /** How many sockets (and listeners whose socket is not known) there are behind it. */
  readonly listeners: number
  /** The processes that have told of them, as far as that is known. */
  readonly pids: readonly number[]
}

/**
 * Why an export has ended. `closed`: nobody listens any more, or it was removed. `idle`: nobody
 * has connected for `idleTimeout`. `lost`: its program does not answer for it any more although the
 * socket listens (what was executed has no library), or the backend cannot bring it up to date.
 */
export type CloseReason = 'closed' | 'idle' | 'lost' | 'stopped'

/** What is asked of the backend when a port is exported. */
export interface ExportCall {
  readonly network: Network
  readonly port: number
  /** One or two, of different families. */
  readonly targets: string[]
}

/** A backend's answer to it. */
export interface ExportResult {
  /** The number by which it is named from now on. */
  readonly export: number
  readonly addresses: string[]
}

/** A socket that the kernel is asked about. */
export interface SocketName {
  readonly network: Network
  /** What it is bound to, as `0.0.0.0:8000` or `[::]:8000`. */
  readonly address: string
  /** Its `SO_COOKIE`. */
  readonly cookie: bigint
}
