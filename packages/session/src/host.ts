// For the command alone: how it serves a session, in the foreground or in the background.
export { describePort, portText } from '@tailproxy/exporter'
export * from './index.ts'
export * from './join.ts'
export { runBackground } from './lib/background.ts'
export { loginAgain } from './lib/login-again.ts'
export type { Progress, SessionState } from './lib/progress.ts'
export {
  SessionHost,
  type SessionHostEvents,
  type SessionHostOptions,
} from './lib/session-host.ts'
export { type StartOptions, startSession } from './lib/start-session.ts'
export { checkStateDirectory } from './lib/state-directory.ts'
