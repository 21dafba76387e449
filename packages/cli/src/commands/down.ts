import { rmSync } from 'node:fs'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import type { RawSettings } from '@tailproxy/config'
import { isAlive, readSessionFile, SessionClient, sessionFilePath } from '@tailproxy/session/host'
import { CommandLineError } from '../lib/exit-status.ts'
import type { ChildExit } from '../lib/run-child.ts'
import { statePlace } from '../lib/state-place.ts'
import { say } from '../lib/terminal.ts'

/** Milliseconds that a session has to end. */
const TIMEOUT = 10_000
const PAUSE = 20

/** `tailproxy down`: ends the session; with `--purge` the node's keys and all else are removed, too. */
export async function down(
  operands: readonly string[],
  raw: RawSettings,
  { purge }: { purge: boolean },
): Promise<ChildExit> {
  if (operands.length > 0) throw new CommandLineError(`down takes no "${operands[0]}"`)
  const place = await statePlace(raw)
  const session = readSessionFile(sessionFilePath(place))
  const isRunning = session !== undefined && isAlive(session.pid)
  if (isRunning) await end(session.pid, session.socket)
  else if (!purge) say('no session runs with this state directory')
  if (purge) rmSync(place, { recursive: true, force: true })
  return { status: 0, signal: null }
}

async function end(pid: number, socket: string | undefined): Promise<void> {
  if (socket) await new SessionClient(socket).stop()
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
