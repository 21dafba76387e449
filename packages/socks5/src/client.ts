export {
  associateSocks5,
  type Socks5Association,
  type Socks5AssociationEvents,
} from './lib/associate.ts'
export { getBoundAddress } from './lib/bound-address.ts'
export {
  DEFAULT_CONNECT_TIMEOUT,
  type ProxyAddress,
  type Socks5ClientOptions,
} from './lib/client-options.ts'
export { type ConnectSocks5Options, connectSocks5 } from './lib/connect.ts'
export {
  type ResolvePtrSocks5Options,
  type ResolveSocks5Options,
  resolvePtrSocks5,
  resolveSocks5,
} from './lib/resolve.ts'
