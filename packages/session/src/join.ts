// For the command alone: how it joins a session in milliseconds, with no schema library.
export { BACKGROUND_VARIABLE } from './lib/background-variable.ts'
export { describeExport, type ExportPlace } from './lib/describe-export.ts'
export { enterSession, sessionSocket, withRunningSession } from './lib/enter-session.ts'
export {
  DialSocketError,
  SessionAwayError,
  SessionEndedError,
  SessionLaunchError,
  SessionRefusedError,
  SessionStartError,
  StateDirectoryError,
} from './lib/errors.ts'
export { isAlive } from './lib/is-alive.ts'
export {
  awaitReady,
  type JoinedRun,
  type JoinOptions,
  type JoinWait,
  joinSession,
} from './lib/join-session.ts'
export type {
  JoinRequest,
  RunAccess,
  RunEvent,
  RunJoined,
  RunSettings,
  RunWaits,
  SessionReady,
} from './lib/run-messages.ts'
export {
  readSessionFile,
  removeSessionFile,
  type SessionFile,
  sessionFilePath,
  writeSessionFile,
} from './lib/session-file.ts'
export { claimStateDirectory, defaultStateDirectory } from './lib/state-directory.ts'
