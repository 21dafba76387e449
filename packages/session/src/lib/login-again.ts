import type { RawSettings } from '@tailproxy/config/collect'
import { converse, type JoinOptions } from './join-session.ts'
import type { SessionReady } from './run-messages.ts'

/**
 * Logs the node of a session in again: one whose key has expired, or one that is to be another
 * user's. With the auth key of `settings`, or by the URL that `onWait` is told.
 *
 * @throws {SessionAwayError} @throws {SessionRefusedError} `denied` when the control server refused it
 */
export async function loginAgain(
  socket: string,
  { settings }: { settings?: RawSettings },
  options?: JoinOptions,
): Promise<SessionReady> {
  const body = settings === undefined ? {} : { settings }
  const { event, leave } = await converse(socket, '/v1/login', body, 'ready', options)
  leave()
  return event
}
