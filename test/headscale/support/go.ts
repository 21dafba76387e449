import { execFile } from 'node:child_process'
import { setPriority } from 'node:os'
import { goEnvironment } from '../../../sidecar/scripts/go.mjs'

/** A cold build keeps all cores busy for minutes; whatever else is tested meanwhile goes first. */
const NICENESS = 10
const OUTPUT_LIMIT = 64 << 20

/** Go did not do what it was asked; the message has its words. */
export class GoError extends Error {
  override readonly name = 'GoError'
}

/** Resolves to what go says on stdout. */
export function go(cwd: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...goEnvironment, GOWORK: 'off' }
    const child = execFile('go', args, { cwd, env, maxBuffer: OUTPUT_LIMIT }, (cause, out, err) => {
      if (cause) reject(new GoError(`go ${args[0]} failed: ${err}${out}`, { cause }))
      else resolve(out)
    })
    child.once('spawn', () => setPriority(child.pid as number, NICENESS))
  })
}
