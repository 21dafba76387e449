export { ERROR_CODES, type ErrorCode, errnoOf, replyOf } from './lib/error-code.ts'
export {
  ChannelClosedError,
  MessageTooLongError,
  SidecarError,
  type SidecarErrorCode,
  SidecarExitedError,
  SidecarProtocolError,
  SidecarRequestError,
  SidecarSpawnError,
} from './lib/errors.ts'
export {
  type ExitNode,
  type ExitNodeChange,
  type ExitNodeStatus,
  type LabExitNode,
  MAX_EXIT_NODES,
} from './lib/exit-node-messages.ts'
export type { Exported, ExportResult, ExportState } from './lib/export-messages.ts'
export { findSidecar } from './lib/find-sidecar.ts'
export { Lab, type LabOptions } from './lib/lab.ts'
export type { Forward, LabInfo, LabNode } from './lib/lab-messages.ts'
export type { LoginParams } from './lib/login-messages.ts'
export type {
  FlowListResult,
  Metrics,
  NetcheckResult,
  OpenFlow,
  Peer,
  PeerPath,
  PeerStatus,
  PingResult,
} from './lib/measure-messages.ts'
export {
  type ClientDialResult,
  MAX_SOCKET_PATH,
  type NodeState,
  type ResolveParams,
  type ResolveResult,
  type RunPolicy,
  type ServeDialsResult,
  type SidecarStatus,
  type StartParams,
} from './lib/node-messages.ts'
export {
  DEFAULT_CREDENTIALS_TIMEOUT,
  type PeerCredentials,
  peerCredentials,
} from './lib/peer-credentials.ts'
export type { RunStatus } from './lib/run-messages.ts'
export {
  type DialRequest,
  type ExportRequest,
  type ListeningSocket,
  type ListenSocksOptions,
  type SetExitNodeOptions,
  Sidecar,
  type SidecarEvents,
  type SidecarOptions,
} from './lib/sidecar.ts'
export type {
  Ask,
  FlowClosed,
  FlowOpened,
  InboundAsk,
  OutboundAsk,
  Verdict,
} from './lib/sidecar-messages.ts'
export {
  DEFAULT_HELLO_TIMEOUT,
  DEFAULT_STOP_TIMEOUT,
  type SidecarCommand,
  type SidecarExit,
} from './lib/sidecar-process.ts'
export type { TailnetNode } from './lib/tailnet-node.ts'
export { DRIVER_VERSION } from './lib/version.ts'
