import { accessSync, constants, statSync } from 'node:fs'
import { CommandNotExecutableError, CommandNotFoundError } from './errors.ts'

/** Where execvp(3) looks when PATH is not set at all. */
const DEFAULT_PATH = '/bin:/usr/bin'

/**
 * The file that execvp(3) would execute for `command`.
 *
 * @throws {CommandNotFoundError} when there is none (a shell would exit with 127)
 * @throws {CommandNotExecutableError} when it may not be executed (126)
 */
export function findCommand(command: string, searchPath: string | undefined): string {
  if (command === '') throw new CommandNotFoundError("''")
  if (command.includes('/')) {
    const why = whyNotExecutable(command)
    if (why === undefined) return command
    if (why === 'missing') throw new CommandNotFoundError(command)
    throw new CommandNotExecutableError(command, why)
  }
  let refused: string | undefined
  for (const directory of (searchPath ?? DEFAULT_PATH).split(':')) {
    // Not path.join(): it would take "link/.." for nothing, and the kernel does not.
    const file = `${directory || '.'}/${command}`
    const why = whyNotExecutable(file)
    if (why === undefined) return file
    if (why !== 'missing') refused ??= why
  }
  if (refused) throw new CommandNotExecutableError(command, refused)
  throw new CommandNotFoundError(command)
}

function whyNotExecutable(file: string): string | undefined {
  try {
    const stat = statSync(file)
    if (stat.isDirectory()) return 'is a directory'
    if (!stat.isFile()) return 'is not a file'
    accessSync(file, constants.X_OK)
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing'
    if (code === 'EACCES') return 'permission denied'
    return String(code)
  }
}
