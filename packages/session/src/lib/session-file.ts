import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import type { RunPolicy } from '@tailproxy/sidecar'
import { replaceFile } from './replace-file.ts'

/** What a command inside a session must know to tell whether it is the one it wants. */
export interface SessionFile {
  version: 1
  pid: number
  hostname: string
  /** Empty for Tailscale's own. */
  controlUrl: string
  onlyTailnet: boolean
  udp: RunPolicy['udp']
  /** Where the session can be asked. Sessions of before 0.2 have none. */
  socket?: string
}

/** Where the session that uses a state directory says so. */
export function sessionFilePath(stateDirectory: string): string {
  return path.resolve(stateDirectory, 'session.json')
}

/**
 * Writes `session.json` (0600) into the state directory and returns its path, for TAILPROXY_SESSION.
 *
 * @throws {StateDirectoryError} when it cannot be written; nothing is left of it
 */
export function writeSessionFile(
  stateDirectory: string,
  session: Omit<SessionFile, 'version' | 'pid'>,
): string {
  const file = sessionFilePath(stateDirectory)
  // Field by field: `session` may well be all of the settings, keys among them.
  const { hostname, controlUrl, onlyTailnet, udp, socket } = session
  const content: SessionFile = {
    version: 1,
    pid: process.pid,
    hostname,
    controlUrl,
    onlyTailnet,
    udp,
    ...(socket === undefined ? {} : { socket }),
  }
  replaceFile(file, `${JSON.stringify(content)}\n`)
  return file
}

/** The session that wrote `file`; undefined when the file is gone, unreadable or not one of these. */
export function readSessionFile(file: string): SessionFile | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return isSessionFile(value) ? value : undefined
  } catch {
    // Ended sessions remove theirs, and a program that changed its user cannot read it.
    return undefined
  }
}

export function removeSessionFile(file: string): void {
  rmSync(file, { force: true })
}

function isSessionFile(value: unknown): value is SessionFile {
  if (typeof value !== 'object' || value === null) return false
  const { version, pid, hostname, controlUrl, onlyTailnet, udp, socket } = value as Record<
    string,
    unknown
  >
  return (
    version === 1 &&
    Number.isSafeInteger(pid) &&
    // kill(2): 0 and below are groups, and one of those is always alive.
    (pid as number) > 0 &&
    typeof hostname === 'string' &&
    typeof controlUrl === 'string' &&
    typeof onlyTailnet === 'boolean' &&
    ['proxy', 'block', 'direct'].includes(udp as string) &&
    (socket === undefined || typeof socket === 'string')
  )
}
