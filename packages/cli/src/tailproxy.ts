import process from 'node:process'
import { ConfigError, resolveSettings, type SettingSources } from '@tailproxy/config'
import { CommandNotExecutableError, CommandNotFoundError } from '@tailproxy/preload'
import { config } from './commands/config.ts'
import { doctor } from './commands/doctor.ts'
import { exportPorts } from './commands/export.ts'
import { lab, labRun } from './commands/lab.ts'
import { profile } from './commands/profile.ts'
import { run } from './commands/run.ts'
import { serve } from './commands/serve.ts'
import { status } from './commands/status.ts'
import { type CommandLine, readCommandLine } from './lib/arguments.ts'
import {
  CommandLineError,
  EXIT_CANNOT_EXECUTE,
  EXIT_NOT_FOUND,
  EXIT_TAILPROXY_FAILED,
} from './lib/exit-status.ts'
import { configHelpText, exportHelpText, helpText } from './lib/help.ts'
import type { ChildExit } from './lib/run-child.ts'
import { say } from './lib/terminal.ts'
import { VERSION } from './lib/version.ts'

/** The help of commands that have their own. */
const HELP: Partial<Record<CommandLine['command'], () => string>> = {
  export: exportHelpText,
  config: configHelpText,
  profile: configHelpText,
}
const OK: ChildExit = { status: 0, signal: null }

/** Does what the words of a command line ask for, and resolves to how it ended. */
export async function tailproxy(words: readonly string[]): Promise<ChildExit> {
  const line = readCommandLine(words)
  if (line.help) {
    process.stdout.write(HELP[line.command]?.() ?? helpText())
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
  // These two help where settings are out of order.
  if (line.command === 'config') return config(line.operands, sources, line)
  if (line.command === 'profile') return profile(line.operands, sources, line)
  // A lab is a tailnet of its own: what files say of yours means nothing there.
  const discover = !line.command.startsWith('lab')
  const resolved = await resolveSettings({ ...sources, discover })
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
