import { existsSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SessionAwayError, SessionRefusedError } from './errors.ts'
import { isAlive } from './is-alive.ts'
import { type JoinedRun, type JoinOptions, joinSession } from './join-session.ts'
import type { JoinRequest } from './run-messages.ts'
import { readSessionFile, sessionFilePath } from './session-file.ts'
import { SESSION_SOCKET } from './socket-names.ts'
import { takeStartLock } from './start-lock.ts'
import { checkStateDirectory, claimStateDirectory } from './state-directory.ts'

/** Milliseconds between looks at whether another command has started the session by now. */
const PAUSE = 10

/**
 * The socket of the session that uses a state directory now, as far as can be told without asking it.
 *
 * @throws {StateDirectoryError} when the directory of the socket is another user's: nothing is to be said there
 */
export function sessionSocket(stateDirectory: string): string | undefined {
  const session = readSessionFile(sessionFilePath(stateDirectory))
  const socket = session ? session.socket : unstartedSocket(stateDirectory)
  if (socket === undefined || (session && !isAlive(session.pid))) return undefined
  checkStateDirectory(stateDirectory)
  checkStateDirectory(path.dirname(socket))
  return socket
}

/** A service manager listens for a session that it has not started yet. */
function unstartedSocket(stateDirectory: string): string | undefined {
  const socket = path.resolve(stateDirectory, SESSION_SOCKET)
  return existsSync(socket) ? socket : undefined
}

/**
 * Does `work` with the socket of a session that runs with this state directory, of one that `start`
 * starts where there is none. Of ten that come at once, one starts it.
 *
 * @throws whatever `work` and `start` do, save for a session that is gone when `work` asks it
 */
export async function withRunningSession<T>(
  stateDirectory: string,
  start: () => Promise<void>,
  work: (socket: string) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const running = await tryWork(stateDirectory, work)
  if (running) return running.result
  claimStateDirectory(stateDirectory)
  const lock = path.join(path.resolve(stateDirectory), 'session.starting')
  for (;;) {
    signal?.throwIfAborted()
    const unlock = takeStartLock(lock)
    try {
      // Whoever had the lock before may have started one.
      const started = await tryWork(stateDirectory, work)
      if (started) return started.result
      if (unlock) await start()
    } finally {
      unlock?.()
    }
    if (!unlock) await delay(PAUSE, undefined, signal ? { signal } : {})
  }
}

/** Joins the session of a state directory, or starts one and joins that. */
export function enterSession(
  stateDirectory: string,
  start: () => Promise<void>,
  join: JoinRequest,
  options: JoinOptions = {},
): Promise<JoinedRun> {
  const work = (socket: string): Promise<JoinedRun> => joinSession(socket, join, options)
  return withRunningSession(stateDirectory, start, work, options.signal)
}

async function tryWork<T>(
  stateDirectory: string,
  work: (socket: string) => Promise<T>,
): Promise<{ result: T } | undefined> {
  const socket = sessionSocket(stateDirectory)
  if (socket === undefined) return undefined
  try {
    return { result: await work(socket) }
  } catch (error) {
    // It ended, or was ending, when it was asked.
    if (error instanceof SessionAwayError && error.isGone) return undefined
    if (error instanceof SessionRefusedError && error.reason === 'unavailable') return undefined
    throw error
  }
}
