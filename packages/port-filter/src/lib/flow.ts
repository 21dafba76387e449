/** One end of a flow. */
export interface Endpoint {
  /** An IP address as text, without brackets. */
  readonly address: string
  readonly port: number
}

/** Who a tailnet peer is, as the control server says. */
export interface PeerIdentity {
  /** The machine's name, without a trailing dot. */
  readonly name: string
  /** The login name of the machine's owner. */
  readonly user?: string | undefined
  /** As `tag:web`. */
  readonly tags: readonly string[]
  /** Its addresses on the tailnet, when they are known. */
  readonly addresses?: readonly string[] | undefined
}

/** A connection, or the first datagram, from a wrapped program or a SOCKS5 client. */
export interface OutboundFlow {
  readonly network: 'tcp' | 'udp'
  readonly source: Endpoint
  readonly destination: Endpoint
  /** The name that was asked for, when it was one. */
  readonly name?: string | undefined
  /** The name of the tailnet peer behind the destination. */
  readonly peer?: string | undefined
  /** The wrapped command it belongs to. */
  readonly run?: string | undefined
  readonly pid?: number | undefined
  readonly origin: 'socks' | 'preload'
}

/** A connection from the tailnet to an exported listener, or the first datagram from a port of a peer. */
export interface InboundFlow {
  readonly network: 'tcp' | 'udp'
  /** The peer's. */
  readonly source: Endpoint
  /** Ours, on the tailnet. */
  readonly destination: Endpoint
  /** Which export it came to, by the sidecar's number. */
  readonly export: number
  /** Not there when nobody could say who it is. */
  readonly peer?: PeerIdentity | undefined
  readonly run?: string | undefined
}

/** A listener that is about to be served to the tailnet; of UDP, a socket that is bound. */
export interface ExportRequest {
  readonly network: 'tcp' | 'udp'
  /** As the control protocol has it: 46 is a socket of IPv6 that takes IPv4 too. */
  readonly family: `${'tcp' | 'udp'}${'4' | '6' | '46'}`
  /** What the program bound; `0.0.0.0` and `::` are all of the host's. */
  readonly address: string
  readonly port: number
  readonly pid?: number | undefined
  readonly run?: string | undefined
}
