import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs'
import path from 'node:path'
import { ConfigError } from './errors.ts'

export const PROJECT_FILE = '.tailproxy.json'

/**
 * The nearest project file: in `from` or above it, but not above the home directory, the root of a
 * git repository or that of a file system. What lies above is of no concern to the project.
 */
export function findProjectFile(from: string, home: string | undefined): string | undefined {
  const top = home && realPath(home)
  let directory = path.resolve(from)
  for (;;) {
    const file = path.join(directory, PROJECT_FILE)
    if (has(file)) return file
    if (directory === top || has(path.join(directory, '.git'))) return undefined
    const parent = path.dirname(directory)
    if (parent === directory || deviceOf(parent) !== deviceOf(directory)) return undefined
    directory = parent
  }
}

/**
 * Refuses a file that somebody else could have put there, to be read by whoever passes by: in /tmp
 * anybody can.
 *
 * @param stat of the file that was opened
 * @throws {ConfigError} saying whose it is, and what to do
 */
export function checkProjectFile(file: string, stat: Stats): void {
  const instead = 'remove it, or name the file to read in its place with --config'
  if (!stat.isFile()) throw new ConfigError(`${file} is no regular file; ${instead}`)
  for (const { uid } of [lstatSync(file), stat]) {
    if (uid !== 0 && uid !== process.geteuid?.()) {
      throw new ConfigError(
        `${file} belongs to user ${uid}, not to us (${process.geteuid?.()}), and is not read; ${instead}`,
      )
    }
  }
  if ((stat.mode & 0o002) !== 0) {
    throw new ConfigError(
      `${file} can be written by everybody, and is not read: chmod o-w it, or ${instead}`,
    )
  }
}

/** In a directory that we may not search there is nothing for us. */
function has(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
  }
}

function deviceOf(directory: string): number | undefined {
  try {
    return statSync(directory).dev
  } catch {
    return undefined
  }
}

function realPath(directory: string): string {
  try {
    return realpathSync(directory)
  } catch {
    return directory
  }
}
