export type { AskCredentials, PeerCredentials } from './lib/admission.ts'
export {
  type ControlServer,
  type ControlServerEvents,
  type ControlServerOptions,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_UNREAD_TIMEOUT,
  serveControlSocket,
} from './lib/control-server.ts'
