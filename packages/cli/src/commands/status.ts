import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import type { RawSettings } from '@tailproxy/config'
import {
  SessionAwayError,
  type SessionClient,
  type SessionFlows,
  SessionRefusedError,
  type SessionStatus,
} from '@tailproxy/session/host'
import { describeStatus } from '../lib/describe-status.ts'
import { CommandLineError } from '../lib/exit-status.ts'
import { interruptible } from '../lib/interruption.ts'
import type { ChildExit } from '../lib/run-child.ts'
import { runningSession } from '../lib/running-session.ts'

/** Flows that are shown: the newest of what may be thousands. */
const MOST_FLOWS = 20
/** Milliseconds from one look to the next. */
const PAUSE = 1_000
/** ECMA-48: cursor to the top, then erase to the end. */
const REDRAW = '\u001b[H\u001b[J'

interface Options {
  json: boolean
  watch: boolean
}

/** `tailproxy status`: how the session that runs does. Without one it says so, and fails. */
export async function status(
  operands: readonly string[],
  raw: RawSettings,
  options: Options,
): Promise<ChildExit> {
  if (operands.length > 0) throw new CommandLineError(`status takes no "${operands[0]}"`)
  const client = await runningSession(raw)
  if (client) await (options.watch ? watch(client, options) : show(client, options, ''))
  else if (options.json && !options.watch) process.stdout.write('{"state":"stopped"}\n')
  else throw new CommandLineError('no session runs with this state directory')
  return { status: 0, signal: null }
}

async function show(client: SessionClient, { json }: Options, before: string): Promise<void> {
  const found = await client.status()
  const flows = await flowsOf(client, found)
  process.stdout.write(
    json
      ? `${JSON.stringify({ ...found, flows: flows?.flows ?? [] })}\n`
      : before + describeStatus(found, flows),
  )
}

/** While a node is not up, or is just being started anew, there are none. */
async function flowsOf(
  client: SessionClient,
  { state, sidecar }: SessionStatus,
): Promise<SessionFlows | undefined> {
  if (state !== 'running' || !sidecar) return undefined
  try {
    return await client.flows(MOST_FLOWS)
  } catch (error) {
    // An older session cannot list them; all else that it says is worth showing.
    if (error instanceof SessionRefusedError && error.reason === 'unknown') return undefined
    throw error
  }
}

/** Shows it until the session ends, or somebody has seen enough. */
function watch(client: SessionClient, options: Options): Promise<never> {
  const redraw = process.stdout.isTTY && !options.json ? REDRAW : ''
  return interruptible(async (signal) => {
    for (let looks = 0; ; looks += 1) {
      try {
        await show(client, options, redraw || (looks > 0 && !options.json ? '\n' : ''))
      } catch (error) {
        if (looks > 0 && error instanceof SessionAwayError && error.isGone) {
          throw new CommandLineError('the session has ended', { cause: error })
        }
        throw error
      }
      await delay(PAUSE, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  })
}
