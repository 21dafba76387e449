export {
  formatSocksAddress,
  normalizeSocksAddress,
  type SocksAddress,
  toSocksAddress,
} from './lib/address.ts'
export {
  type AuthenticationStatus,
  decodeAuthenticationStatus,
  encodeAuthenticationStatus,
} from './lib/authentication-status.ts'
export {
  type ClientAction,
  type ClientSession,
  type ClientSessionOptions,
  createClientSession,
} from './lib/client-session.ts'
export { Command, Method } from './lib/constants.ts'
export { type Credentials, decodeCredentials, encodeCredentials } from './lib/credentials.ts'
export {
  type Datagram,
  type DatagramHeader,
  decodeDatagram,
  decodeDatagramHeader,
  encodeDatagram,
  encodeDatagramHeader,
} from './lib/datagram.ts'
export type { Complete, Decoded, Incomplete } from './lib/decoded.ts'
export {
  AddressError,
  AddressTypeError,
  AuthenticationError,
  ClosedError,
  CommandError,
  CredentialsError,
  DatagramError,
  DeniedError,
  DomainNameError,
  FieldError,
  MethodError,
  NotFoundError,
  ProxyError,
  ReplyError,
  ReservedError,
  SessionStateError,
  Socks5Error,
  type Socks5ErrorCode,
  TimeoutError,
  VersionError,
} from './lib/errors.ts'
export { decodeGreeting, encodeGreeting, type Greeting } from './lib/greeting.ts'
export { formatIpv4, parseIpv4 } from './lib/ipv4.ts'
export { formatIpv6, parseIpv6 } from './lib/ipv6.ts'
export {
  decodeMethodSelection,
  encodeMethodSelection,
  type MethodSelection,
} from './lib/method-selection.ts'
export { decodeReply, encodeReply, encodeReplyPrefix, type Reply } from './lib/reply.ts'
export { describeReplyCode, ReplyCode, replyCodeOf } from './lib/reply-code.ts'
export { decodeRequest, encodeRequest, type Request } from './lib/request.ts'
export { compareCredentials, safeEqual } from './lib/safe-equal.ts'
export type {
  AssociateAction,
  AuthenticateAction,
  BindAction,
  CloseAction,
  DialAction,
  HoldAction,
  ResolveAction,
  ServerAction,
  SpliceAction,
  WriteAction,
} from './lib/server-action.ts'
export {
  type BoundOptions,
  createServerSession,
  type ServerSession,
  type ServerSessionOptions,
} from './lib/server-session.ts'
