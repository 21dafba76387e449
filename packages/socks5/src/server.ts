export { getBoundAddress } from './lib/bound-address.ts'
export {
  type CloseOptions,
  createSocks5Server,
  type ListenOptions,
  type Socks5Server,
  type Socks5ServerEvents,
} from './lib/server.ts'
export {
  type ClientInfo,
  DEFAULT_BIND_TIMEOUT,
  DEFAULT_DIAL_TIMEOUT,
  DEFAULT_HANDSHAKE_TIMEOUT,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MAX_WAITING,
  type DialContext,
  type ResolveContext,
  type RuleContext,
  type RuleVerdict,
  type Socks5ServerOptions,
} from './lib/server-options.ts'
