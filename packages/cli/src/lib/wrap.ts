import process from 'node:process'
import {
  findCommand,
  inspectProgram,
  NotWrappableError,
  type PreloadSettings,
  preloadEnvironment,
} from '@tailproxy/preload'
import type { RunJoined, RunSettings } from '@tailproxy/session/join'
import { CommandLineError } from './exit-status.ts'
import { say } from './terminal.ts'

/** A command that was found and checked. */
export interface Wrapped {
  words: readonly string[]
  /** The file that is executed. */
  file: string
  /** The ELF program that the kernel runs for it. */
  program: string
  /** Why the library will not be loaded, when that is allowed. */
  unwrapped: string | undefined
}

/**
 * Finds a command's file and makes sure that it can be captured, before anything is started for it.
 *
 * @throws {CommandNotFoundError} @throws {CommandNotExecutableError}
 * @throws {CommandLineError} when it cannot be captured and that is not allowed
 */
export function wrap(
  words: readonly string[],
  mayBeUnwrapped: boolean,
  env: NodeJS.ProcessEnv,
): Wrapped {
  const [command = ''] = words
  const file = findCommand(command, env['PATH'])
  return { words, file, ...inspect(file, mayBeUnwrapped) }
}

function inspect(file: string, mayBeUnwrapped: boolean): Pick<Wrapped, 'program' | 'unwrapped'> {
  try {
    return { program: inspectProgram(file), unwrapped: undefined }
  } catch (error) {
    if (!(error instanceof NotWrappableError)) throw error
    return { program: file, unwrapped: allowUnwrapped(error.message, mayBeUnwrapped) }
  }
}

/** Says and returns why a command runs uncaptured, or refuses it. */
export function allowUnwrapped(reason: string, isAllowed: boolean): string {
  if (!isAllowed) {
    throw new CommandLineError(
      `${reason}; its traffic would go past the tailnet (--allow-unwrapped runs it all the same)`,
    )
  }
  say(`${reason}; it runs without TailProxy`)
  return reason
}

/** What the library needs to use the session as this run. */
export function accessOf(
  { access, settings }: RunJoined,
  library: string,
): Omit<PreloadSettings, 'bypass' | 'onlyTailnet' | 'verbose'> {
  const { control, ...ways } = access
  const { exportLoopback: loopback, exportStrict: strict, exportPeers: showPeers } = settings
  const exports = control === undefined ? {} : { exports: { control, loopback, strict, showPeers } }
  return { library, ...ways, ...exports }
}

/** The environment of a wrapped command: captured, and without the keys that let us in. */
export function commandEnvironment(
  access: Omit<PreloadSettings, 'bypass' | 'onlyTailnet' | 'verbose'>,
  settings: Pick<RunSettings, 'bypass' | 'onlyTailnet' | 'verbose'>,
  extra: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const base = { ...process.env, ...extra }
  for (const name of ['TAILPROXY_AUTHKEY', 'TS_AUTHKEY']) delete base[name]
  return preloadEnvironment(
    {
      ...access,
      bypass: settings.bypass,
      onlyTailnet: settings.onlyTailnet,
      verbose: settings.verbose,
    },
    base,
  )
}
