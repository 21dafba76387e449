import { constants } from 'node:os'
import process from 'node:process'

/** Statuses of our own, as env(1) and timeout(1) have them; any other is the command's. */
export const EXIT_TAILPROXY_FAILED = 125
export const EXIT_CANNOT_EXECUTE = 126
export const EXIT_NOT_FOUND = 127

/** An error of the user's making or surroundings: its message is all they need to see. */
export class CommandLineError extends Error {
  override readonly name: string = 'CommandLineError'
  readonly code: string = 'ERR_TAILPROXY_COMMAND_LINE'
  /** What `tailproxy` exits with for it. */
  readonly status: number = EXIT_TAILPROXY_FAILED
}

/** Ends this process as `signal` ended the command, so that our caller sees the same. */
export function raise(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
  // Where the signal does not end us (it was ignored when we were started), the shell's convention.
  process.exitCode = 128 + constants.signals[signal]
}
