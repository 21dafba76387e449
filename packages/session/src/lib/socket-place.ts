import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { MAX_SOCKET_PATH } from '@tailproxy/sidecar'
import { DialSocketError } from './errors.ts'
import { SESSION_SOCKET } from './socket-names.ts'

/** Where a session's sockets lie. Their paths are absolute, and short enough for `sockaddr_un`. */
export interface SocketPlace {
  /** For captured programs: docs/preload-protocol.md. */
  readonly dials: string
  /** For other commands of the same user. */
  readonly session: string
  /** For the listeners of a run: docs/control-protocol.md. Each call names another. */
  nextControl(): string
  /** Removes the directory that was made for them, if one was. */
  remove(): void
}

/** The longest name below. */
const LONGEST = 'control-99999.sock'

/**
 * The place for a session's sockets: its state directory, or where the path of that is too long for
 * a socket's, a directory of their own (0700) that is made for them.
 *
 * @throws {DialSocketError} when no such directory can be made
 */
export function placeSockets(
  stateDirectory: string,
  env: NodeJS.ProcessEnv = process.env,
): SocketPlace {
  const usual = path.resolve(stateDirectory)
  // Not removed: once our sidecar has ended, a socket of this name is the next session's.
  if (fits(usual)) return placeIn(usual, () => {})
  const failures: string[] = []
  for (const base of shortPlaces(env)) {
    // mkdtemp(3) puts six characters in place of its six.
    if (!fits(path.join(base, 'tailproxy-XXXXXX'))) {
      failures.push(`${base}: too long`)
      continue
    }
    try {
      const directory = mkdtempSync(path.join(base, 'tailproxy-'))
      return placeIn(directory, () => rmSync(directory, { recursive: true, force: true }))
    } catch (error) {
      failures.push(`${base}: ${(error as NodeJS.ErrnoException).code}`)
    }
  }
  throw new DialSocketError(
    `the path of the state directory is too long for a socket in it (at most ${MAX_SOCKET_PATH} bytes), and there is no other place (${failures.join('; ')}); name a shorter one with --state-dir`,
  )
}

function placeIn(directory: string, remove: () => void): SocketPlace {
  let controls = 0
  return {
    dials: path.join(directory, 'dial.sock'),
    session: path.join(directory, SESSION_SOCKET),
    nextControl: () => path.join(directory, `control-${++controls}.sock`),
    remove,
  }
}

function shortPlaces(env: NodeJS.ProcessEnv): string[] {
  const runtime = env['XDG_RUNTIME_DIR']
  const places = [
    runtime && path.isAbsolute(runtime) ? runtime : [],
    path.resolve(tmpdir()),
    '/tmp',
  ]
  return [...new Set(places.flat())]
}

function fits(directory: string): boolean {
  return Buffer.byteLength(path.join(directory, LONGEST)) <= MAX_SOCKET_PATH
}
