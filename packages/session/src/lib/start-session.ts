import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Duplex, Readable, Writable } from 'node:stream'
import type { RawSettings } from '@tailproxy/config/collect'
import { BACKGROUND_VARIABLE } from './background-variable.ts'
import { SessionLaunchError } from './errors.ts'
import { unusable } from './state-directory.ts'

/** Bytes after which a log is put aside when a session starts. */
const MAX_LOG = 1 << 20
/** Bytes of the log's end that an error quotes. */
const LOG_TAIL = 2_000

/** What a session in the background is given, over its standard input. */
interface BackgroundOrder {
  settings: RawSettings
  cwd: string
  log: string
}

/** What it answers on descriptor 3, once. */
export type BackgroundReport =
  | { ready: true }
  | { error: { code: string; message: string; reason?: string } }

export interface StartOptions {
  /** What to execute, with the arguments for it. */
  program: readonly string[]
  /** The session's whole environment. */
  env: NodeJS.ProcessEnv
  stateDirectory: string
  settings: RawSettings
  cwd: string
  signal?: AbortSignal
}

/**
 * Starts a session in the background, in a process group of its own. Resolves when commands can
 * join it; its node may not be up by then.
 *
 * @throws {SessionLaunchError} with what the session says of it
 */
export async function startSession(options: StartOptions): Promise<void> {
  const { program, env, stateDirectory, settings, cwd, signal } = options
  const [file = '', ...args] = program
  const log = path.resolve(stateDirectory, 'session.log')
  const order: BackgroundOrder = { settings, cwd, log }
  const output = openLog(stateDirectory, log)
  try {
    const child = spawn(file, args, {
      // Relative paths of the settings were made for `cwd`; nothing is to keep that directory busy.
      cwd: '/',
      env: { ...env, [BACKGROUND_VARIABLE]: '3' },
      stdio: ['pipe', output, output, 'pipe'],
      detached: true,
    })
    const stop = (): void => void child.kill()
    signal?.addEventListener('abort', stop, { once: true })
    try {
      await once(child, 'spawn')
      const input = child.stdin as Writable
      // It may end before it has read; its report says why.
      input.on('error', () => {})
      input.end(JSON.stringify(order))
      const report = await readReport(child.stdio[3] as Duplex)
      signal?.throwIfAborted()
      if (!report) throw new SessionLaunchError('internal', `it ended at once: ${tailOf(log)}`)
      if ('error' in report) {
        const { code, reason, message } = report.error
        throw new SessionLaunchError(reason ?? code, message)
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      child.unref()
    }
  } finally {
    closeSync(output)
  }
}

/** The one before is kept, as `session.log.1`, when it has become long. */
function openLog(stateDirectory: string, log: string): number {
  try {
    const { size } = statSync(log, { throwIfNoEntry: false }) ?? { size: 0 }
    if (size > MAX_LOG) renameSync(log, `${log}.1`)
    return openSync(log, 'a', 0o600)
  } catch (cause) {
    throw unusable(stateDirectory, cause)
  }
}

async function readReport(channel: Readable): Promise<BackgroundReport | undefined> {
  let text = ''
  for await (const chunk of channel.setEncoding('utf8')) text += chunk
  return text === '' ? undefined : (JSON.parse(text) as BackgroundReport)
}

function tailOf(log: string): string {
  const text = readFileSync(log, 'utf8')
  return text.slice(-LOG_TAIL).trim() || `${log} says nothing`
}
