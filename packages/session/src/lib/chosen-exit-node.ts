import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { StateDirectoryError } from './errors.ts'
import { replaceFile } from './replace-file.ts'
import type { ExitNodeChoice } from './session-options.ts'

const Chosen = z.strictObject({ nodes: z.array(z.string().min(1)).min(1), lanAccess: z.boolean() })

/** Where a state directory says which exit node its user chose last, by command. */
function chosenExitNodePath(stateDirectory: string): string {
  return path.resolve(stateDirectory, 'exit-node.json')
}

/**
 * Keeps what was chosen for the sessions to come, or forgets what was: a session leaves when it is
 * idle, and what goes through an exit node now must not go past it then.
 *
 * @throws {StateDirectoryError} when it cannot be written
 */
export function keepChosenExitNode(
  stateDirectory: string,
  { nodes, lanAccess }: ExitNodeChoice,
): void {
  const file = chosenExitNodePath(stateDirectory)
  if (nodes.length === 0) rmSync(file, { force: true })
  else replaceFile(file, `${JSON.stringify({ nodes, lanAccess })}\n`)
}

/**
 * What was chosen last, if anything.
 *
 * @throws {StateDirectoryError} when the file is not as it was written: to go on without would be to go past it
 */
export function readChosenExitNode(stateDirectory: string): ExitNodeChoice | undefined {
  const file = chosenExitNodePath(stateDirectory)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const parsed = Chosen.safeParse(parse(text))
  if (parsed.success) return parsed.data
  throw new StateDirectoryError(
    `${file} does not say which exit node was chosen; remove it, and choose anew`,
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
