import type { DialSocket } from '@tailproxy/session/host'

const BY_DIAL_SOCKET = 'connections: by the dial socket (TCP simultaneous open)'

/** One line for people: which way a captured program's connections go, and why not the usual one. */
export function describeDials({ tarpit, detail }: Pick<DialSocket, 'tarpit' | 'detail'>): string {
  const why = detail ? `: ${detail}` : ''
  switch (tarpit) {
    case 'both':
      return BY_DIAL_SOCKET
    case 'ipv4':
      return `${BY_DIAL_SOCKET}; over IPv6 by SOCKS5${why}`
    case 'none':
      return `connections: by SOCKS5${why}`
  }
}
