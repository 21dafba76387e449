import process from 'node:process'
import type { RawSettings } from '@tailproxy/config'
import {
  awaitReady,
  SessionClient,
  type SessionReady,
  sessionSocket,
  withRunningSession,
} from '@tailproxy/session/host'
import { backgroundStart } from './background-session.ts'
import { interruptible } from './interruption.ts'
import { insideSocket } from './running-session.ts'
import { statePlace } from './state-place.ts'
import { tellProgress } from './tell-progress.ts'
import { withHost } from './with-host.ts'
import { withinTimeout } from './within-timeout.ts'

/**
 * Does `work` with the socket of the session that this command is in, or else of its profile's. Where
 * none runs it is started: in the background, or for this command alone with `--foreground`.
 */
export async function inSession<T>(
  raw: RawSettings,
  signal: AbortSignal,
  work: (socket: string) => Promise<T>,
): Promise<T> {
  if (process.env['TAILPROXY_SESSION']) return work(insideSocket())
  const place = await statePlace(raw)
  const isForeground = raw.foreground !== undefined && raw.foreground.value !== false
  if (isForeground && sessionSocket(place) === undefined) {
    return withHost(raw, { signal }, (host) => work(host.socketPath))
  }
  return withRunningSession(place, backgroundStart(raw, place, signal), work, signal)
}

export interface ReadySession {
  client: SessionClient
  node: SessionReady['node']
}

/**
 * As {@link inSession}, when the session's node is up; Ctrl-C gives up.
 *
 * @param wanted what the session is held to, if that is not all that it would be started with
 */
export function inReadySession<T>(
  raw: RawSettings,
  work: (session: ReadySession, signal: AbortSignal) => Promise<T>,
  wanted: RawSettings = raw,
): Promise<T> {
  return interruptible(async (signal) => {
    const { onWait, done } = tellProgress(raw)
    try {
      return await inSession(raw, signal, async (socket) => {
        const { node } = await withinTimeout(raw, { onWait, signal }, (waiting) =>
          awaitReady(socket, wanted, waiting),
        )
        done()
        return work({ client: new SessionClient(socket, { signal }), node }, signal)
      })
    } finally {
      done()
    }
  })
}
