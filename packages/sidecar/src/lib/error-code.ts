/**
 * Every way in which the sidecar fails, as it says it on the channel. Each has one SOCKS5 reply
 * (RFC 1928 section 6) and one errno for a wrapped program's connect(); several share a reply.
 * `vectors/errors.json` is the same table for the tests of all three languages.
 */
const ERROR_TABLE = {
  refused: { reply: 0x05, errno: 'ECONNREFUSED' },
  unreachable: { reply: 0x04, errno: 'EHOSTUNREACH' },
  'no-such-host': { reply: 0x04, errno: 'EHOSTUNREACH' },
  'timed-out': { reply: 0x06, errno: 'ETIMEDOUT' },
  denied: { reply: 0x02, errno: 'EACCES' },
  'not-connected': { reply: 0x03, errno: 'ENETUNREACH' },
  'exit-node-down': { reply: 0x03, errno: 'ENETUNREACH' },
  'no-route': { reply: 0x03, errno: 'ENETUNREACH' },
  busy: { reply: 0x01, errno: 'ENETDOWN' },
  aborted: { reply: 0x01, errno: 'ENETDOWN' },
  protocol: { reply: 0x01, errno: 'ENETDOWN' },
  internal: { reply: 0x01, errno: 'ENETDOWN' },
} as const

export type ErrorCode = keyof typeof ERROR_TABLE

export const ERROR_CODES = Object.keys(ERROR_TABLE) as [ErrorCode, ...ErrorCode[]]

/** The SOCKS5 reply (RFC 1928 section 6) that tells a client of this failure. */
export function replyOf(code: ErrorCode): number {
  return ERROR_TABLE[code].reply
}

/** The errno that connect() gives a wrapped program for this failure. */
export function errnoOf(code: ErrorCode): string {
  return ERROR_TABLE[code].errno
}
