/** How the listeners of a run are served to the tailnet. */
export interface ExportOptions {
  /** Ports at once, 1 to 65535. @default 32 */
  max?: number
  /**
   * Milliseconds without a connection after which an export ends until its program listens anew;
   * 0 is never.
   * @default 0
   */
  idleTimeout?: number
  /** Send a PROXY protocol header of version 2 ahead of each peer's bytes. @default false */
  proxyProtocol?: boolean
  /** Have `accept()` and `getpeername()` of captured programs show the peer. @default true */
  showPeers?: boolean
  /** Connections at once to one export, 1 to 65535; further ones are reset. @default 1024 */
  maxConnections?: number
  /** Offer the ports as this Tailscale Service, as `svc:web`. */
  service?: string
}

/** Far above what a program on one host serves well, and below its usual limit of descriptors. */
export const DEFAULT_MAX_CONNECTIONS = 1024
