import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import type { RawSettings } from '@tailproxy/config'
import {
  isAlive,
  readSessionFile,
  SessionAwayError,
  SessionClient,
  sessionFilePath,
} from '@tailproxy/session/host'
import { CommandLineError } from '../lib/exit-status.ts'
import { InterruptedError } from '../lib/interruption.ts'
import { logOut } from '../lib/log-out.ts'
import type { ChildExit } from '../lib/run-child.ts'
import { statePlace } from '../lib/state-place.ts'
import { say, showProgress } from '../lib/terminal.ts'

/** Milliseconds that a session has to end. */
const TIMEOUT = 10_000
const PAUSE = 20

interface Options {
  purge: boolean
  json: boolean
}

/** What `down` has done, for programs. */
interface Done {
  /** The process that was the session. */
  ended?: number
  loggedOut?: string
  removed?: string
}

/** `tailproxy down`: ends the session; with `--purge` the node's keys and all else are removed, too. */
export async function down(
  operands: readonly string[],
  raw: RawSettings,
  { purge, json }: Options,
): Promise<ChildExit> {
  if (operands.length > 0) throw new CommandLineError(`down takes no "${operands[0]}"`)
  const place = await statePlace(raw)
  const session = readSessionFile(sessionFilePath(place))
  const running = session !== undefined && isAlive(session.pid) ? session : undefined
  const loggedOut = purge && existsSync(place) ? await tryLogOut(place, raw) : undefined
  if (running) {
    const progress = showProgress('ending the session')
    await end(running.pid, running.socket).finally(progress.done)
  }
  const removed = purge && remove(place, raw.stateDir === undefined)
  const done: Done = {
    ...(running ? { ended: running.pid } : {}),
    ...(loggedOut === undefined ? {} : { loggedOut }),
    ...(removed ? { removed: place } : {}),
  }
  if (json) process.stdout.write(`${JSON.stringify(done)}\n`)
  else tell(done, { purge, place })
  return { status: 0, signal: null }
}

function tell(
  { ended, loggedOut, removed }: Done,
  { purge, place }: { purge: boolean; place: string },
) {
  if (loggedOut !== undefined) say(`${loggedOut} is logged out`)
  if (removed !== undefined) say(`removed ${removed}: keys, log, and what was chosen`)
  else if (purge) say(`there is nothing in ${place}`)
  else if (ended === undefined) say('no session runs with this state directory')
}

/** What cannot be logged out is removed all the same; the tailnet then still lists it. */
async function tryLogOut(place: string, raw: RawSettings): Promise<string | undefined> {
  try {
    return await logOut(place, raw)
  } catch (error) {
    if (error instanceof InterruptedError) throw error
    const { message } = error as Error
    say(`not logged out: ${message}; the tailnet lists the node until an administrator removes it`)
    return undefined
  }
}

/**
 * @param isDefault whether the directory is where nobody said that it should be
 * @returns whether there was something
 */
function remove(place: string, isDefault: boolean): boolean {
  if (!existsSync(place)) return false
  rmSync(place, { recursive: true, force: true })
  if (!isDefault) return true
  // Directories that were made for it, as far as nothing else is in them.
  for (let above = path.dirname(path.resolve(place)); isOurs(above); above = path.dirname(above)) {
    rmdirSync(above)
  }
  return true
}

/** Below XDG_STATE_HOME everything is in `tailproxy`. */
function isOurs(directory: string): boolean {
  const isNamed = /\/tailproxy(?:\/profiles)?$/.test(directory)
  return isNamed && existsSync(directory) && readdirSync(directory).length === 0
}

async function end(pid: number, socket: string | undefined): Promise<void> {
  // It may have ended by the logout.
  if (!isAlive(pid)) return
  if (socket) await stop(socket)
  else process.kill(pid, 'SIGTERM')
  const deadline = performance.now() + TIMEOUT
  while (isAlive(pid)) {
    if (performance.now() > deadline) {
      throw new CommandLineError(
        `process ${pid} has not ended in ${TIMEOUT / 1000} s; kill ${pid} ends it`,
      )
    }
    await delay(PAUSE)
  }
}

async function stop(socket: string): Promise<void> {
  try {
    await new SessionClient(socket).stop()
  } catch (error) {
    // One that is ending serves nobody any more.
    if (!(error instanceof SessionAwayError && error.isGone)) throw error
  }
}
