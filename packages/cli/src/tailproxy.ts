import process from 'node:process'
import { ConfigError, resolveSettings } from '@tailproxy/config'
import { CommandNotExecutableError, CommandNotFoundError } from '@tailproxy/preload'
import { doctor } from './commands/doctor.ts'
import { exportPorts } from './commands/export.ts'
import { lab, labRun } from './commands/lab.ts'
import { run } from './commands/run.ts'
import { serve } from './commands/serve.ts'
import { status } from './commands/status.ts'
import { readCommandLine } from './lib/arguments.ts'
import {
  CommandLineError,
  EXIT_CANNOT_EXECUTE,
  EXIT_NOT_FOUND,
  EXIT_TAILPROXY_FAILED,
} from './lib/exit-status.ts'
import { exportHelpText, helpText } from './lib/help.ts'
import type { ChildExit } from './lib/run-child.ts'
import { say } from './lib/terminal.ts'
import { VERSION } from './lib/version.ts'

const OK: ChildExit = { status: 0, signal: null }

/** Does what the words of a command line ask for, and resolves to how it ended. */
export async function tailproxy(words: readonly string[]): Promise<ChildExit> {
  const line = readCommandLine(words)
  if (line.help) {
    process.stdout.write(line.command === 'export' ? exportHelpText() : helpText())
    return OK
  }
  if (line.version) {
    process.stdout.write(`tailproxy ${VERSION}\n`)
    return OK
  }
  if (process.platform !== 'linux') {
    throw new CommandLineError(`TailProxy runs on Linux only; this is ${process.platform}`)
  }
  const file = line.configFile ?? process.env['TAILPROXY_CONFIG']
  const resolved = await resolveSettings({ flags: line.flags, ...(file ? { file } : {}) })
  switch (line.command) {
    case 'run':
      return run(line.operands, resolved)
    case 'export':
      return exportPorts(line.operands, resolved, line)
    case 'status':
      return status(line.operands, resolved, line)
    case 'doctor':
      return doctor(line.operands, line)
    case 'lab':
      return lab(line.operands, line)
    case 'lab run':
      return labRun(line.operands, resolved)
    case 'serve':
      return serve(resolved, line)
  }
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
