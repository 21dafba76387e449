import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'

/** What a command inside a session must know to tell whether it is the one it wants. */
export interface SessionFile {
  version: 1
  pid: number
  hostname: string
  /** Empty for Tailscale's own. */
  controlUrl: string
}

/** Writes `session.json` (0600) into the state directory and returns its path, for TAILPROXY_SESSION. */
export function writeSessionFile(
  stateDirectory: string,
  session: Pick<SessionFile, 'hostname' | 'controlUrl'>,
): string {
  const file = path.resolve(stateDirectory, 'session.json')
  const content: SessionFile = { version: 1, pid: process.pid, ...session }
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(content)}\n`, { mode: 0o600 })
  renameSync(draft, file)
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
  const { version, pid, hostname, controlUrl } = value as Record<string, unknown>
  return (
    version === 1 &&
    typeof pid === 'number' &&
    typeof hostname === 'string' &&
    typeof controlUrl === 'string'
  )
}
