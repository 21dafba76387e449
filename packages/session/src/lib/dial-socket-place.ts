import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { MAX_SOCKET_PATH } from '@tailproxy/sidecar'
import { DialSocketError } from './errors.ts'

/** Where a session's dial socket lies. */
export interface DialSocketPlace {
  /** Absolute, and short enough for `sockaddr_un`. */
  path: string
  /** Removes the directory that was made for it, if one was. */
  remove: () => void
}

/**
 * The place for a session's dial socket: in its state directory, or where the path of that is too
 * long for a socket's, in a directory of its own (0700) that is made for it.
 *
 * @throws {DialSocketError} when no such directory can be made
 */
export function placeDialSocket(
  stateDirectory: string,
  env: NodeJS.ProcessEnv = process.env,
): DialSocketPlace {
  const usual = socketIn(path.resolve(stateDirectory))
  // Not removed: once our sidecar has ended, a socket of this name is the next session's.
  if (fits(usual)) return { path: usual, remove: () => {} }
  const failures: string[] = []
  for (const base of shortPlaces(env)) {
    // mkdtemp(3) puts six characters in place of its six.
    if (!fits(socketIn(path.join(base, 'tailproxy-XXXXXX')))) {
      failures.push(`${base}: too long`)
      continue
    }
    try {
      const directory = mkdtempSync(path.join(base, 'tailproxy-'))
      const remove = () => rmSync(directory, { recursive: true, force: true })
      return { path: socketIn(directory), remove }
    } catch (error) {
      failures.push(`${base}: ${(error as NodeJS.ErrnoException).code}`)
    }
  }
  throw new DialSocketError(
    `the path of the state directory is too long for a socket in it (at most ${MAX_SOCKET_PATH} bytes), and there is no other place (${failures.join('; ')}); name a shorter one with --state-dir`,
  )
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

function socketIn(directory: string): string {
  return path.join(directory, 'dial.sock')
}

function fits(file: string): boolean {
  return Buffer.byteLength(file) <= MAX_SOCKET_PATH
}
