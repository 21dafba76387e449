import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import process from 'node:process'
import { isAlive } from './is-alive.ts'

/** Milliseconds after which a lock without a readable owner is one that was left half written. */
const HALF_WRITTEN = 2_000

/**
 * Takes the lock of those who would start a session, if nobody alive has it. It keeps ten commands
 * from starting ten sessions of which nine would end at once; that there are never two is not its
 * doing, but that of the lock on the node's state. So one that is broken in a race does no harm.
 *
 * @returns what lets it go, or undefined when another has it
 */
export function takeStartLock(path: string): (() => void) | undefined {
  for (const isLast of [false, true]) {
    try {
      const file = openSync(path, 'wx', 0o600)
      writeSync(file, String(process.pid))
      closeSync(file)
      return () => rmSync(path, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (isLast || !isAbandoned(path)) return undefined
      rmSync(path, { force: true })
    }
  }
  return undefined
}

function isAbandoned(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, 'utf8'))
    if (Number.isSafeInteger(pid) && pid > 0) return !isAlive(pid)
    return Date.now() - statSync(path).mtimeMs > HALF_WRITTEN
  } catch {
    // It was let go this moment.
    return true
  }
}
