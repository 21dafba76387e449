import process from 'node:process'
import type { ResolvedSettings } from '@tailproxy/config'
import type { SessionStatus } from '@tailproxy/session'
import { bytes, describeExports } from '../lib/describe-exports.ts'
import { CommandLineError } from '../lib/exit-status.ts'
import type { ChildExit } from '../lib/run-child.ts'
import { runningSession } from '../lib/running-session.ts'

/** `tailproxy status`: how the session that runs does. Without one it says so, and fails. */
export async function status(
  operands: readonly string[],
  { values }: ResolvedSettings,
  { json }: { json: boolean },
): Promise<ChildExit> {
  if (operands.length > 0) throw new CommandLineError(`status takes no "${operands[0]}"`)
  const found = await runningSession(values)?.status()
  if (json) process.stdout.write(`${JSON.stringify(found ?? { state: 'stopped' })}\n`)
  else if (found) process.stdout.write(describe(found))
  else throw new CommandLineError('no session runs with this state directory')
  return { status: 0, signal: null }
}

function describe(found: SessionStatus): string {
  const { state, node, pid, peers, flows, opened, bytesUp, bytesDown, exports } = found
  const who = node ? `${node.name}, ${node.addresses.join(', ')}` : 'none'
  return `\
session  process ${pid}, ${state}
node     ${who}
peers    ${peers}
flows    ${flows} open of ${opened}; ${bytes(bytesUp)} up, ${bytes(bytesDown)} down
exports  ${exports.length}
${exports.length > 0 ? `\n${describeExports(exports)}` : ''}`
}
