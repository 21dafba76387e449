import { ReplyCode, type ReplyError } from '@tailproxy/socks5'

/** The contract: a code never changes its meaning, a message may. */
export type DialErrorCode =
  | 'ERR_DIAL_REFUSED'
  | 'ERR_DIAL_UNREACHABLE'
  | 'ERR_DIAL_NO_SUCH_HOST'
  | 'ERR_DIAL_TIMED_OUT'
  | 'ERR_DIAL_DENIED'
  | 'ERR_DIAL_NO_ROUTE'
  | 'ERR_DIAL_FAILED'

const MEANINGS: Readonly<Record<DialErrorCode, string>> = {
  ERR_DIAL_REFUSED: 'the host is there, and nothing listens on that port',
  ERR_DIAL_UNREACHABLE: 'the host cannot be reached',
  ERR_DIAL_NO_SUCH_HOST: 'no host has that name; write it as the tailnet does',
  ERR_DIAL_TIMED_OUT: 'nobody answered in time',
  ERR_DIAL_DENIED: 'it is outside the tailnet and there is no exit node, or a filter denied it',
  ERR_DIAL_NO_ROUTE: 'no node has that address, or the exit node is down',
  ERR_DIAL_FAILED: 'the session could not dial',
}

const BY_REPLY: Readonly<Record<number, DialErrorCode>> = {
  [ReplyCode.notAllowed]: 'ERR_DIAL_DENIED',
  [ReplyCode.networkUnreachable]: 'ERR_DIAL_NO_ROUTE',
  [ReplyCode.hostUnreachable]: 'ERR_DIAL_UNREACHABLE',
  [ReplyCode.connectionRefused]: 'ERR_DIAL_REFUSED',
  [ReplyCode.ttlExpired]: 'ERR_DIAL_TIMED_OUT',
}

/** There is no connection to `host` and `port`; `code` is why. */
export class DialError extends Error {
  override readonly name = 'DialError'
  readonly code: DialErrorCode
  readonly host: string
  readonly port: number
  /** What the session answered (RFC 1928 section 6); `undefined` when it gave no answer. */
  readonly replyCode: number | undefined

  constructor(
    code: DialErrorCode,
    target: { host: string; port: number },
    options: ErrorOptions & { replyCode?: number | undefined } = {},
  ) {
    const { host, port } = target
    const { replyCode, ...errorOptions } = options
    super(`cannot connect to ${nameTarget(host, port)}: ${MEANINGS[code]}`, errorOptions)
    this.code = code
    this.host = host
    this.port = port
    this.replyCode = replyCode
  }
}

/** What a reply says. RFC 1928 has one for a host that is away and for a name that nobody has. */
export function dialErrorCodeOf({ replyCode }: ReplyError): DialErrorCode {
  return BY_REPLY[replyCode] ?? 'ERR_DIAL_FAILED'
}

function nameTarget(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
