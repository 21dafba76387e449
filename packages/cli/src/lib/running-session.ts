import process from 'node:process'
import type { Settings } from '@tailproxy/config'
import { readSessionFile, SessionClient, sessionFilePath } from '@tailproxy/session'
import { isAlive } from './is-alive.ts'
import { stateDirectoryOf } from './state-directory-of.ts'

/** The session that this command is in, or else the one that uses its state directory now. */
export function runningSession(
  settings: Settings,
  env: NodeJS.ProcessEnv = process.env,
): SessionClient | undefined {
  const directory = stateDirectoryOf(settings)
  const session = readSessionFile(env['TAILPROXY_SESSION'] ?? sessionFilePath(directory))
  if (!session?.socket || !isAlive(session.pid)) return undefined
  return new SessionClient(session.socket)
}
