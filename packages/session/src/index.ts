export { type ConnectOptions, connect } from './lib/connect.ts'
export { DialError, type DialErrorCode } from './lib/dial-error.ts'
export {
  ConnectOptionsError,
  DialSocketError,
  LoginNeededError,
  SessionAwayError,
  SessionEndedError,
  SessionRefusedError,
  SessionStartError,
  StateDirectoryError,
} from './lib/errors.ts'
export { DEFAULT_MAX_CONNECTIONS, type ExportOptions } from './lib/export-options.ts'
export { DEFAULT_DIAL_TIMEOUT } from './lib/handshake-relay.ts'
export type { Progress, SessionState } from './lib/progress.ts'
export type { Policy, Run } from './lib/run.ts'
export { type DialSocket, FOREGROUND_USER, Session, type SessionEvents } from './lib/session.ts'
export type {
  SessionExitNode,
  SessionExitNodeState,
  SessionExitNodes,
  SessionExport,
  SessionFlow,
  SessionFlows,
  SessionNetwork,
  SessionPeer,
  SessionPing,
  SessionStatus,
} from './lib/session-answers.ts'
export {
  DEFAULT_SESSION_TIMEOUT,
  type ExportTarget,
  type ExportTerms,
  SessionClient,
} from './lib/session-client.ts'
export {
  readSessionFile,
  removeSessionFile,
  type SessionFile,
  sessionFilePath,
  writeSessionFile,
} from './lib/session-file.ts'
export type { SessionOptions } from './lib/session-options.ts'
export { type SidecarEnvironmentOptions, sidecarEnvironment } from './lib/sidecar-environment.ts'
export { claimStateDirectory, defaultStateDirectory } from './lib/state-directory.ts'
export { DEFAULT_TAILNET_DIAL_TIMEOUT, type DialOptions, Tailnet } from './lib/tailnet.ts'
export type { Connector, ConnectorCallback, ConnectorTarget } from './lib/tailnet-connector.ts'
