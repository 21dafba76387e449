/** REP of RFC 1928 section 6. */
export const ReplyCode = {
  succeeded: 0x00,
  generalFailure: 0x01,
  notAllowed: 0x02,
  networkUnreachable: 0x03,
  hostUnreachable: 0x04,
  connectionRefused: 0x05,
  /** Named for IP's TTL, used by every implementation for "timed out". */
  ttlExpired: 0x06,
  commandNotSupported: 0x07,
  addressTypeNotSupported: 0x08,
} as const
export type ReplyCode = (typeof ReplyCode)[keyof typeof ReplyCode]

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  [ReplyCode.succeeded]: 'succeeded',
  [ReplyCode.generalFailure]: 'general failure',
  [ReplyCode.notAllowed]: 'not allowed by the rules',
  [ReplyCode.networkUnreachable]: 'network unreachable',
  [ReplyCode.hostUnreachable]: 'host unreachable',
  [ReplyCode.connectionRefused]: 'connection refused',
  [ReplyCode.ttlExpired]: 'timed out',
  [ReplyCode.commandNotSupported]: 'command not supported',
  [ReplyCode.addressTypeNotSupported]: 'address type not supported',
}

/** A few words for people, such as "connection refused". */
export function describeReplyCode(replyCode: number): string {
  return DESCRIPTIONS[replyCode] ?? 'not assigned by RFC 1928'
}

const BY_ERROR_CODE: Readonly<Record<string, ReplyCode>> = {
  ECONNREFUSED: ReplyCode.connectionRefused,
  ENETUNREACH: ReplyCode.networkUnreachable,
  ENETDOWN: ReplyCode.networkUnreachable,
  EHOSTUNREACH: ReplyCode.hostUnreachable,
  EHOSTDOWN: ReplyCode.hostUnreachable,
  ETIMEDOUT: ReplyCode.ttlExpired,
  EACCES: ReplyCode.notAllowed,
  EPERM: ReplyCode.notAllowed,
  ENOTFOUND: ReplyCode.hostUnreachable,
  ENODATA: ReplyCode.hostUnreachable,
  EAFNOSUPPORT: ReplyCode.addressTypeNotSupported,
}

/**
 * The reply that tells a client of `error`: an error of this package by its `replyCode`, one of
 * Node by its `code`, an AggregateError (all addresses of a name failed) by the first of its errors
 * that says more than "general failure". Anything else is a general failure.
 */
export function replyCodeOf(error: unknown): ReplyCode {
  if (typeof error !== 'object' || error === null) return ReplyCode.generalFailure
  const { replyCode, code, errors } = error as Record<string, unknown>
  if (isFailure(replyCode)) return replyCode
  if (typeof code === 'string') {
    if (code.startsWith('EAI_')) return ReplyCode.hostUnreachable
    if (Object.hasOwn(BY_ERROR_CODE, code)) return BY_ERROR_CODE[code] ?? ReplyCode.generalFailure
  }
  if (!Array.isArray(errors)) return ReplyCode.generalFailure
  const known = errors.map(replyCodeOf).find((each) => each !== ReplyCode.generalFailure)
  return known ?? ReplyCode.generalFailure
}

function isFailure(value: unknown): value is ReplyCode {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 8
}
