import process from 'node:process'
import {
  ConfigError,
  collectSettings,
  nearestOf,
  type SettingSources,
} from '@tailproxy/config/collect'
import { CommandNotExecutableError, CommandNotFoundError } from '@tailproxy/preload'
import { run } from './commands/run.ts'
import { COMMANDS, readCommandLine } from './lib/arguments.ts'
import {
  CommandLineError,
  EXIT_CANNOT_EXECUTE,
  EXIT_NOT_FOUND,
  EXIT_TAILPROXY_FAILED,
} from './lib/exit-status.ts'
import type { ChildExit } from './lib/run-child.ts'
import { say, tolerateReaders } from './lib/terminal.ts'
import { VERSION } from './lib/version.ts'

/** The help of commands that have their own. */
const OK: ChildExit = { status: 0, signal: null }

/** Does what the words of a command line ask for, and resolves to how it ended. */
export async function tailproxy(words: readonly string[]): Promise<ChildExit> {
  const line = readCommandLine(words)
  const isRun = line.command === 'run' && !line.help && !line.version
  if (!isRun) tolerateReaders()
  if (line.help) {
    const { helpOf } = await import('./lib/help.ts')
    process.stdout.write(helpOf(line.command, line.isExplicit))
    return OK
  }
  if (line.version) {
    process.stdout.write(`tailproxy ${VERSION}\n`)
    return OK
  }
  if (process.platform !== 'linux') {
    throw new CommandLineError(`TailProxy runs on Linux only; this is ${process.platform}`)
  }
  const { flags, own } = line
  const { config: file } = own
  const sources: SettingSources = { flags, ...(file ? { file } : {}) }
  if (line.command !== 'run' || Object.keys(own).length > (file === undefined ? 0 : 1)) {
    const { checkFlags } = await import('./lib/check-flags.ts')
    checkFlags(line)
  }
  if (flags.authKey !== undefined) {
    const { warnOfShownKey } = await import('./lib/given-auth-key.ts')
    warnOfShownKey(flags.authKey)
  }
  if (line.command === 'run') {
    try {
      return await run(line.operands, await collectSettings(sources))
    } catch (error) {
      throw line.isExplicit ? error : withHint(error, line.operands[0])
    }
  }
  // All others can take the time to load what they need.
  const { carryOut } = await import('./commands/index.ts')
  return carryOut(line, sources)
}

/** Shorter words are too near to everything. */
const LONG_ENOUGH = 4

/** A program that is not there may have been meant to be a command. */
function withHint(error: unknown, word = ''): unknown {
  if (!(error instanceof CommandNotFoundError) || word.length < LONG_ENOUGH) return error
  const command = nearestOf(word, COMMANDS)
  if (command !== undefined) error.message += `; did you mean tailproxy ${command}?`
  return error
}

/** Says what went wrong and returns the status for it. No stack ever gets here. */
export function report(error: unknown): number {
  if (error instanceof CommandNotFoundError) {
    say(error.message)
    return EXIT_NOT_FOUND
  }
  if (error instanceof CommandNotExecutableError) {
    say(error.message)
    return EXIT_CANNOT_EXECUTE
  }
  if (error instanceof CommandLineError) {
    say(error.message)
    return error.status
  }
  const expected = error instanceof ConfigError || (error as { code?: unknown })?.code !== undefined
  const message = error instanceof Error ? error.message : String(error)
  say(expected ? message : `unexpected: ${message}; please report this`)
  return EXIT_TAILPROXY_FAILED
}
