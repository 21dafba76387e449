import { existsSync, lstatSync, mkdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { StateDirectoryError } from './errors.ts'

/**
 * Where a node of this control server keeps its state by default: below `$XDG_STATE_HOME/tailproxy`
 * (XDG Base Directory Specification). Each control server has its own, so that a lab never writes
 * over a login, and each profile has its own.
 *
 * @param profile a single component of a path, without "@"; '' for none
 * @throws {StateDirectoryError} when neither XDG_STATE_HOME nor HOME says where
 */
export function defaultStateDirectory(
  controlUrl: string,
  env: NodeJS.ProcessEnv = process.env,
  profile = '',
): string {
  const base = stateHome(env)
  const server = controlUrl === '' ? '' : slug(controlUrl)
  if (profile === '') return path.join(base, 'tailproxy', server || 'default')
  // No profile has an "@" in its name, so that this is no other profile's.
  return path.join(base, 'tailproxy/profiles', server ? `${profile}@${server}` : profile)
}

/**
 * Where the node of a program that calls `connect()` keeps its state: by its name, so that two
 * programs of a user are two nodes, and neither is the one of the command.
 *
 * @throws {StateDirectoryError} when neither XDG_STATE_HOME nor HOME says where
 */
export function programStateDirectory(
  hostname: string,
  controlUrl: string,
  env: NodeJS.ProcessEnv = process.env,
): string {
  const server = controlUrl === '' ? '' : `@${slug(controlUrl)}`
  return path.join(stateHome(env), 'tailproxy/programs', `${hostname}${server}`)
}

function stateHome(env: NodeJS.ProcessEnv): string {
  const configured = env['XDG_STATE_HOME']
  // The specification: a relative path is to be taken as invalid.
  return configured && path.isAbsolute(configured)
    ? configured
    : path.join(home(env), '.local/state')
}

function home(env: NodeJS.ProcessEnv): string {
  const directory = env['HOME'] || homedir()
  if (directory && path.isAbsolute(directory)) return directory
  throw new StateDirectoryError('HOME is not set; set it, or name a directory with --state-dir')
}

function slug(controlUrl: string): string {
  const { protocol, host, pathname } = new URL(controlUrl)
  return `${protocol}${host}${pathname}`.replaceAll(/[^a-zA-Z0-9.]+/g, '-').replace(/-$/, '')
}

/**
 * Makes the directory (0700) if it is not there, and checks that it is ours alone.
 *
 * @throws {StateDirectoryError} when it is another's, readable by others, or cannot be made
 */
export function claimStateDirectory(directory: string): void {
  try {
    makeDirectories(path.resolve(directory))
  } catch (cause) {
    throw unusable(directory, cause)
  }
  checkStateDirectory(directory)
}

/**
 * Checks that a directory with sockets or keys is ours alone.
 *
 * @throws {StateDirectoryError} when it is another's, readable by others, or not there
 */
export function checkStateDirectory(directory: string): void {
  let stat: ReturnType<typeof lstatSync>
  try {
    // Without a slash at its end, behind which lstat(2) would see through a link.
    stat = lstatSync(path.resolve(directory))
  } catch (cause) {
    throw unusable(directory, cause)
  }
  if (stat.isSymbolicLink()) {
    throw new StateDirectoryError(
      `the state directory ${directory} is a symbolic link; name the directory itself with --state-dir`,
    )
  }
  if (stat.uid !== process.geteuid?.()) {
    throw new StateDirectoryError(
      `the state directory ${directory} belongs to user ${stat.uid}, not to us (${process.geteuid?.()}); name another with --state-dir`,
    )
  }
  if ((stat.mode & 0o077) !== 0) {
    const mode = (stat.mode & 0o777).toString(8).padStart(4, '0')
    throw new StateDirectoryError(
      `the state directory ${directory} can be read by others (mode ${mode}); it will hold this node's keys: chmod 700 it`,
    )
  }
}

/** Why a directory that is ours cannot be used all the same. */
export function unusable(directory: string, cause: unknown): StateDirectoryError {
  return new StateDirectoryError(
    `cannot use the state directory ${directory}: ${whyNot(cause)}; name another with --state-dir`,
    { cause },
  )
}

/**
 * mkdir -p with mode 0700. Node's own (`recursive: true`) never returns where a parent exists and
 * mkdir(2) says ENOENT all the same, as in /proc.
 */
function makeDirectories(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && statSync(directory).isDirectory()) return
    const parent = path.dirname(directory)
    if (code !== 'ENOENT' || existsSync(parent)) throw error
    makeDirectories(parent)
    mkdirSync(directory, { mode: 0o700 })
  }
}

function whyNot(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException
  switch (code) {
    case 'EACCES':
      return 'permission denied'
    case 'EEXIST':
    case 'ENOTDIR':
      return 'it, or a part of its path, is not a directory'
    case 'ENOENT':
      return 'no directory can be made there'
    case 'EROFS':
      return 'the file system is read-only'
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full'
    default:
      return String(code ?? cause)
  }
}
