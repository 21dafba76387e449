import process from 'node:process'
import { ConfigError, collectSettings, type SettingSources } from '@tailproxy/config/collect'
import { CommandNotExecutableError, CommandNotFoundError } from '@tailproxy/preload'
import { run } from './commands/run.ts'
import { readCommandLine } from './lib/arguments.ts'
import {
  CommandLineError,
  EXIT_CANNOT_EXECUTE,
  EXIT_NOT_FOUND,
  EXIT_TAILPROXY_FAILED,
} from './lib/exit-status.ts'
import type { ChildExit } from './lib/run-child.ts'
import { say } from './lib/terminal.ts'
import { VERSION } from './lib/version.ts'

/** The help of commands that have their own. */
const OK: ChildExit = { status: 0, signal: null }

/** Does what the words of a command line ask for, and resolves to how it ended. */
export async function tailproxy(words: readonly string[]): Promise<ChildExit> {
  const line = readCommandLine(words)
  if (line.help) {
    const { helpOf } = await import('./lib/help.ts')
    process.stdout.write(helpOf(line.command))
    return OK
  }
  if (line.version) {
    process.stdout.write(`tailproxy ${VERSION}\n`)
    return OK
  }
  if (process.platform !== 'linux') {
    throw new CommandLineError(`TailProxy runs on Linux only; this is ${process.platform}`)
  }
  const { flags, configFile: file } = line
  const sources: SettingSources = { flags, ...(file ? { file } : {}) }
  if (line.command === 'run') return run(line.operands, await collectSettings(sources))
  // All others can take the time to load what they need.
  const { carryOut } = await import('./commands/index.ts')
  return carryOut(line, sources)
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
  const expected = error instanceof ConfigError || (error as { code?: unknown })?.code !== undefined
  const message = error instanceof Error ? error.message : String(error)
  say(expected ? message : `unexpected: ${message}; please report this`)
  return EXIT_TAILPROXY_FAILED
}
