import { describeReplyCode, ReplyCode } from './reply-code.ts'

/** The contract: a code never changes its meaning, a message may. */
export type Socks5ErrorCode =
  | 'ERR_SOCKS5_ADDRESS'
  | 'ERR_SOCKS5_ADDRESS_TYPE'
  | 'ERR_SOCKS5_AUTHENTICATION'
  | 'ERR_SOCKS5_CLOSED'
  | 'ERR_SOCKS5_COMMAND'
  | 'ERR_SOCKS5_CREDENTIALS'
  | 'ERR_SOCKS5_DATAGRAM'
  | 'ERR_SOCKS5_DENIED'
  | 'ERR_SOCKS5_DOMAIN_NAME'
  | 'ERR_SOCKS5_FIELD'
  | 'ERR_SOCKS5_METHOD'
  | 'ERR_SOCKS5_NOT_FOUND'
  | 'ERR_SOCKS5_PROXY'
  | 'ERR_SOCKS5_REPLY'
  | 'ERR_SOCKS5_RESERVED'
  | 'ERR_SOCKS5_STATE'
  | 'ERR_SOCKS5_TIMEOUT'
  | 'ERR_SOCKS5_VERSION'

/** Every error this package makes is one. */
export abstract class Socks5Error extends Error {
  abstract override readonly name: string
  abstract readonly code: Socks5ErrorCode
  /** The reply (RFC 1928 section 6) that tells a client of it. Only requests have replies. */
  readonly replyCode: number = ReplyCode.generalFailure
}

/** The first octet of a message is not the version of its RFC. */
export class VersionError extends Socks5Error {
  override readonly name = 'VersionError'
  readonly code = 'ERR_SOCKS5_VERSION'
  constructor(version: number, expected: number, options?: ErrorOptions) {
    super(`SOCKS version octet is ${version}; send ${expected}`, options)
  }
}

/** A request or datagram has a reserved octet that is not zero. */
export class ReservedError extends Socks5Error {
  override readonly name = 'ReservedError'
  readonly code = 'ERR_SOCKS5_RESERVED'
  constructor(options?: ErrorOptions) {
    super('SOCKS5 reserved octet is not zero; send 0 (RFC 1928 sections 4 and 7)', options)
  }
}

/** A command that RFC 1928 section 4 does not define, or that this side does not serve. */
export class CommandError extends Socks5Error {
  override readonly name = 'CommandError'
  readonly code = 'ERR_SOCKS5_COMMAND'
  override readonly replyCode = ReplyCode.commandNotSupported
  constructor(command: number | string, options?: ErrorOptions) {
    super(`SOCKS5 command ${command} is not supported here; CONNECT (1) always is`, options)
  }
}

/** A request named an address type that RFC 1928 section 5 does not define. */
export class AddressTypeError extends Socks5Error {
  override readonly name = 'AddressTypeError'
  readonly code = 'ERR_SOCKS5_ADDRESS_TYPE'
  override readonly replyCode = ReplyCode.addressTypeNotSupported
  constructor(addressType: number | string, options?: ErrorOptions) {
    super(`SOCKS5 address type is ${addressType}; send 1 (IPv4), 3 (domain) or 4 (IPv6)`, options)
  }
}

/** Text that is not an IP address where one has to be. */
export class AddressError extends Socks5Error {
  override readonly name = 'AddressError'
  readonly code = 'ERR_SOCKS5_ADDRESS'
  constructor(host: string, wanted: string, options?: ErrorOptions) {
    super(`${JSON.stringify(host)} is not ${wanted}`, options)
  }
}

/** A domain name that the format cannot carry, or that no resolver should be handed. */
export class DomainNameError extends Socks5Error {
  override readonly name = 'DomainNameError'
  readonly code = 'ERR_SOCKS5_DOMAIN_NAME'
  constructor(what: string, options?: ErrorOptions) {
    super(`Domain name ${what}; send 1 to 255 bytes of UTF-8 without NUL`, options)
  }
}

/** A number that its field cannot carry. */
export class FieldError extends Socks5Error {
  override readonly name = 'FieldError'
  readonly code = 'ERR_SOCKS5_FIELD'
  constructor(field: string, value: number, max: number, options?: ErrorOptions) {
    super(`${field} is ${value}; give an integer from 0 to ${max}`, options)
  }
}

/** Username or password that RFC 1929 cannot carry. Neither is in the message. */
export class CredentialsError extends Socks5Error {
  override readonly name = 'CredentialsError'
  readonly code = 'ERR_SOCKS5_CREDENTIALS'
  constructor(what: string, options?: ErrorOptions) {
    super(`${what}; give 1 to 255 bytes of UTF-8 (a password may be empty)`, options)
  }
}

/** Client and server have no authentication method in common. */
export class MethodError extends Socks5Error {
  override readonly name = 'MethodError'
  readonly code = 'ERR_SOCKS5_METHOD'
  constructor(what: string, options?: ErrorOptions) {
    super(`${what}; check whether the server asks for a username and password`, options)
  }
}

/** The username and password were refused. Which of the two is never said. */
export class AuthenticationError extends Socks5Error {
  override readonly name = 'AuthenticationError'
  readonly code = 'ERR_SOCKS5_AUTHENTICATION'
  constructor(options?: ErrorOptions) {
    super('SOCKS5 username and password were refused; check both', options)
  }
}

/** The server answered the request with a failure, which is `replyCode`. */
export class ReplyError extends Socks5Error {
  override readonly name = 'ReplyError'
  readonly code = 'ERR_SOCKS5_REPLY'
  override readonly replyCode: number
  constructor(target: string, replyCode: number, options?: ErrorOptions) {
    super(
      `SOCKS5 server answered ${replyCode} (${describeReplyCode(replyCode)}) for ${target}`,
      options,
    )
    this.replyCode = replyCode
  }
}

/** A UDP datagram ended inside its own header. */
export class DatagramError extends Socks5Error {
  override readonly name = 'DatagramError'
  readonly code = 'ERR_SOCKS5_DATAGRAM'
  constructor(length: number, options?: ErrorOptions) {
    super(`SOCKS5 datagram of ${length} bytes ends inside its header (RFC 1928 section 7)`, options)
  }
}

/** A session was told something that it is not waiting for: a mistake of the program driving it. */
export class SessionStateError extends Socks5Error {
  override readonly name = 'SessionStateError'
  readonly code = 'ERR_SOCKS5_STATE'
  constructor(call: string, state: string, options?: ErrorOptions) {
    super(`${call} does not fit a SOCKS5 session that is ${state}`, options)
  }
}

/** Rules of the server refused the request. `message` has their reason; a client never sees it. */
export class DeniedError extends Socks5Error {
  override readonly name = 'DeniedError'
  readonly code = 'ERR_SOCKS5_DENIED'
  override readonly replyCode = ReplyCode.notAllowed
  constructor(target: string, reason: string, options?: ErrorOptions) {
    super(`${target} is denied: ${reason}`, options)
  }
}

/** A name has no address, or an address no name. */
export class NotFoundError extends Socks5Error {
  override readonly name = 'NotFoundError'
  readonly code = 'ERR_SOCKS5_NOT_FOUND'
  override readonly replyCode = ReplyCode.hostUnreachable
  constructor(host: string, options?: ErrorOptions) {
    super(`Nothing is found for ${JSON.stringify(host)}`, options)
  }
}

/** Something took longer than it was given. */
export class TimeoutError extends Socks5Error {
  override readonly name = 'TimeoutError'
  readonly code = 'ERR_SOCKS5_TIMEOUT'
  override readonly replyCode = ReplyCode.ttlExpired
  constructor(what: string, milliseconds: number, options?: ErrorOptions) {
    super(`${what} took longer than ${milliseconds} ms`, options)
  }
}

/** The other side closed the connection in the middle of the handshake. */
export class ClosedError extends Socks5Error {
  override readonly name = 'ClosedError'
  readonly code = 'ERR_SOCKS5_CLOSED'
  constructor(what: string, options?: ErrorOptions) {
    super(`${what} closed the connection before the SOCKS5 handshake was through`, options)
  }
}

/** The proxy itself could not be reached; `cause` says why. */
export class ProxyError extends Socks5Error {
  override readonly name = 'ProxyError'
  readonly code = 'ERR_SOCKS5_PROXY'
  constructor(proxy: string, options?: ErrorOptions) {
    super(`SOCKS5 proxy ${proxy} cannot be reached`, options)
  }
}
