import { createWriteStream, writeSync } from 'node:fs'
import process from 'node:process'
import { json } from 'node:stream/consumers'
import { checkSettings, parseRawSettings } from '@tailproxy/config'
import { findSidecar } from '@tailproxy/sidecar'
import { z } from 'zod'
import { SessionEndedError } from './errors.ts'
import { SessionHost } from './session-host.ts'
import type { BackgroundReport } from './start-session.ts'

const Order = z.strictObject({ settings: z.unknown(), cwd: z.string(), log: z.string() })

/**
 * The life of a session in the background: takes its order from standard input, reports once on a
 * descriptor whether commands can join, and ends when nobody uses it, or by a signal.
 *
 * @param placeLibrary see {@link SessionHostOptions}
 * @returns the status for the process
 */
export async function runBackground(
  descriptor: number,
  placeLibrary: () => string,
): Promise<number> {
  const report = reporter(descriptor)
  let host: SessionHost
  try {
    const order = Order.parse(await json(process.stdin))
    const resolved = checkSettings(parseRawSettings(order.settings))
    host = await SessionHost.open({
      resolved,
      cwd: order.cwd,
      log: order.log,
      sidecar: findSidecar(),
      env: process.env,
      idleTimeout: resolved.values.idle,
      placeLibrary,
    })
  } catch (error) {
    const {
      code = 'internal',
      reason,
      message,
    } = error as Error & {
      code?: string
      reason?: string
    }
    log(message)
    await report({ error: { code, message, ...(reason === undefined ? {} : { reason }) } })
    return 1
  }
  host.on('said', log)
  host.progress.on('changed', ({ state, detail }) => log(detail ? `${state}: ${detail}` : state))
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => void host.close(new SessionEndedError(`the session got ${signal}`)))
  }
  // The terminal it was started from is no business of its own.
  process.on('SIGHUP', () => {})
  await report({ ready: true })
  const reason = await host.ended
  log(reason.message)
  return reason instanceof SessionEndedError ? 0 : 1
}

function reporter(descriptor: number): (report: BackgroundReport) => Promise<void> {
  const channel = createWriteStream('', { fd: descriptor })
  // Whoever started it may have gone.
  channel.on('error', () => {})
  return (report) => new Promise((resolve) => channel.end(JSON.stringify(report), () => resolve()))
}

/** Standard output is the log. A disk that is full of it is no reason to end: the next line may fit. */
function log(message: string): void {
  try {
    writeSync(1, `${new Date().toISOString()} ${message}\n`)
  } catch {
    // There is nowhere left to say so.
  }
}
