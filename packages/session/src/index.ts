export { DialSocketError, SessionStartError, StateDirectoryError } from './lib/errors.ts'
export { DEFAULT_DIAL_TIMEOUT } from './lib/handshake-relay.ts'
export {
  type DialSocket,
  FOREGROUND_USER,
  type Run,
  Session,
  type SessionEvents,
  type SessionOptions,
} from './lib/session.ts'
export {
  readSessionFile,
  removeSessionFile,
  type SessionFile,
  writeSessionFile,
} from './lib/session-file.ts'
export { type SidecarEnvironmentOptions, sidecarEnvironment } from './lib/sidecar-environment.ts'
export { claimStateDirectory, defaultStateDirectory } from './lib/state-directory.ts'
