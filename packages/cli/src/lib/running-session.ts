import process from 'node:process'
import type { RawSettings } from '@tailproxy/config'
import { isAlive, readSessionFile, SessionClient, sessionSocket } from '@tailproxy/session/host'
import { CommandLineError } from './exit-status.ts'
import { statePlace } from './state-place.ts'

/** The session that this command is in, or else the one that uses its state directory now. */
export async function runningSession(
  raw: RawSettings,
  options: { signal?: AbortSignal } = {},
): Promise<SessionClient | undefined> {
  const { env } = process
  const socket = env['TAILPROXY_SESSION']
    ? socketIn(env['TAILPROXY_SESSION'])
    : sessionSocket(await statePlace(raw))
  return socket === undefined ? undefined : new SessionClient(socket, options)
}

/**
 * The socket of the session that this command is in.
 *
 * @throws {CommandLineError} when that has ended
 */
export function insideSocket(env: NodeJS.ProcessEnv = process.env): string {
  const socket = socketIn(env['TAILPROXY_SESSION'] ?? '')
  if (socket !== undefined) return socket
  throw new CommandLineError('the session this shell belongs to has ended; leave the shell')
}

function socketIn(file: string): string | undefined {
  const session = readSessionFile(file)
  return session?.socket && isAlive(session.pid) ? session.socket : undefined
}
