import { existsSync } from 'node:fs'
import process from 'node:process'
import type { RawSettings } from '@tailproxy/config'
import { CommandLineError } from '../lib/exit-status.ts'
import { logOut } from '../lib/log-out.ts'
import type { ChildExit } from '../lib/run-child.ts'
import { statePlace } from '../lib/state-place.ts'

/** `tailproxy logout`: has the control server forget the node, and ends the session. */
export async function logout(
  operands: readonly string[],
  raw: RawSettings,
  { json }: { json: boolean },
): Promise<ChildExit> {
  if (operands.length > 0) throw new CommandLineError(`logout takes no "${operands[0]}"`)
  const place = await statePlace(raw)
  const name = existsSync(place) ? await logOut(place, raw) : undefined
  const text = name === undefined ? 'no node is logged in' : `${name} is logged out`
  process.stdout.write(`${json ? JSON.stringify({ node: name ?? null }) : text}\n`)
  return { status: 0, signal: null }
}
