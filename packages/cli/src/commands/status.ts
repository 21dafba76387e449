import process from 'node:process'
import type { RawSettings } from '@tailproxy/config'
import type { SessionStatus } from '@tailproxy/session/host'
import { bytes, describeExports } from '../lib/describe-exports.ts'
import { CommandLineError } from '../lib/exit-status.ts'
import type { ChildExit } from '../lib/run-child.ts'
import { runningSession } from '../lib/running-session.ts'

/** `tailproxy status`: how the session that runs does. Without one it says so, and fails. */
export async function status(
  operands: readonly string[],
  raw: RawSettings,
  { json }: { json: boolean },
): Promise<ChildExit> {
  if (operands.length > 0) throw new CommandLineError(`status takes no "${operands[0]}"`)
  const found = await (await runningSession(raw))?.status()
  if (json) process.stdout.write(`${JSON.stringify(found ?? { state: 'stopped' })}\n`)
  else if (found) process.stdout.write(describe(found))
  else throw new CommandLineError('no session runs with this state directory')
  return { status: 0, signal: null }
}

function describe(found: SessionStatus): string {
  const { state, detail, pid, exports, runs, sidecar, stateDirectory, log } = found
  const node = sidecar?.node
  const lines = [
    ['session', `process ${pid}, ${state}${detail ? ` (${detail})` : ''}`],
    ['node', node ? `${node.name}, ${node.addresses.join(', ')}` : 'none'],
    ...(sidecar ? [['peers', String(sidecar.peers)]] : []),
    ...(sidecar ? [['flows', describeFlows(sidecar)]] : []),
    ['runs', runs.map(({ command }) => command.join(' ')).join(', ') || 'none'],
    ['exports', String(exports.length)],
    ['state', stateDirectory],
    ...(log ? [['log', log]] : []),
  ]
  const table = lines.map(([name = '', value]) => `${name.padEnd(9)}${value}\n`).join('')
  return exports.length > 0 ? `${table}\n${describeExports(exports)}` : table
}

function describeFlows(sidecar: NonNullable<SessionStatus['sidecar']>): string {
  const { flows, opened, bytesUp, bytesDown } = sidecar
  return `${flows} open of ${opened}; ${bytes(bytesUp)} up, ${bytes(bytesDown)} down`
}
