import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { CommandNotExecutableError, CommandNotFoundError } from '@tailproxy/preload'
import { isInForeground } from './foreground.ts'

/** What somebody may send to the wrapper and mean for the command. */
const FORWARDED: readonly NodeJS.Signals[] = [
  'SIGTERM',
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  // Node itself takes SIGUSR1 for its inspector unless somebody listens.
  'SIGUSR1',
  'SIGUSR2',
  'SIGCONT',
  'SIGWINCH',
]

/** Those that a terminal sends to its whole foreground group: there the command has them already. */
const FROM_TERMINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH'])

export interface ChildExit {
  status: number
  /** The signal that ended it, if one did. */
  signal: NodeJS.Signals | null
}

export interface RunChildOptions {
  /** The file that is executed; `words[0]` stays its argv[0]. */
  file: string
  words: readonly string[]
  env: NodeJS.ProcessEnv
}

/**
 * Runs a command on our own stdin, stdout and stderr, hands signals on to it, and resolves to how
 * it ended.
 *
 * @throws {CommandNotFoundError} @throws {CommandNotExecutableError}
 */
export async function runChild(options: RunChildOptions): Promise<ChildExit> {
  const early: NodeJS.Signals[] = []
  let deliver = (signal: NodeJS.Signals): void => {
    early.push(signal)
  }
  const handlers = FORWARDED.map((signal) => {
    const handler = () => {
      if (!(FROM_TERMINAL.has(signal) && isInForeground())) deliver(signal)
    }
    process.on(signal, handler)
    return () => process.off(signal, handler)
  })
  try {
    const child = await spawnInherited(options)
    deliver = (signal) => child.kill(signal)
    for (const signal of early) child.kill(signal)
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    return { status: code ?? 0, signal }
  } finally {
    for (const remove of handlers) remove()
  }
}

/** Takes Node some milliseconds, which are best taken while we wait for something. */
export function loadSpawn(): typeof import('node:child_process').spawn {
  return process.getBuiltinModule('node:child_process').spawn
}

async function spawnInherited({ file, words, env }: RunChildOptions): Promise<ChildProcess> {
  const [argv0 = file, ...args] = words
  try {
    // Some failures are thrown (E2BIG), the others come as an event.
    const child = loadSpawn()(file, args, { argv0, env, stdio: 'inherit' })
    await once(child, 'spawn')
    return child
  } catch (cause) {
    throw spawnError(argv0, cause)
  }
}

function spawnError(command: string, cause: unknown): Error {
  const { code } = cause as NodeJS.ErrnoException
  if (code === 'ENOENT') return new CommandNotFoundError(command)
  if (code === 'EACCES') return new CommandNotExecutableError(command, 'permission denied')
  if (code === 'E2BIG')
    return new CommandNotExecutableError(command, 'its arguments and environment are too long')
  return new CommandNotExecutableError(command, String(code))
}
