import process from 'node:process'
import {
  describeOrigin,
  type ResolvedSettings,
  type SettingName,
  settings,
} from '@tailproxy/config'
import { type ExportTarget, type Session, SessionRefusedError } from '@tailproxy/session'
import { describeExport, describeExports } from '../lib/describe-exports.ts'
import { CommandLineError } from '../lib/exit-status.ts'
import { exportOptions } from '../lib/export-options.ts'
import { readExportTargets, readPorts } from '../lib/export-target.ts'
import { aborted, interruptible } from '../lib/interruption.ts'
import type { ChildExit } from '../lib/run-child.ts'
import { runningSession } from '../lib/running-session.ts'
import { say } from '../lib/terminal.ts'
import { warnUnlessListening } from '../lib/warn-unless-listening.ts'
import { withSession } from '../lib/with-session.ts'

const OK: ChildExit = { status: 0, signal: null }
/** Milliseconds that open connections have to end after Ctrl-C; another one ends them at once. */
const DRAIN_TIMEOUT = 10_000

/** `tailproxy export PORT…`, `export ls`, `export rm PORT…`. */
export async function exportPorts(
  operands: readonly string[],
  resolved: ResolvedSettings,
  options: { json: boolean },
): Promise<ChildExit> {
  const [first, ...rest] = operands
  if (first === undefined) {
    throw new CommandLineError('export needs a port: tailproxy export 8080 (or ls, or rm PORT)')
  }
  if (first === 'ls') return list(rest, resolved, options)
  if (first === 'rm') return remove(rest, resolved)
  const targets = readExportTargets(operands)
  const running = runningSession(resolved.values)
  if (!running) return serve(targets, resolved, options)
  refuseOthersSettings(resolved)
  const added = []
  for (const target of targets) added.push(await running.export(target))
  for (const each of added) await warnUnlessListening(each.targets)
  process.stdout.write(
    options.json ? `${JSON.stringify({ exports: added })}\n` : describeExports(added),
  )
  return OK
}

async function list(
  operands: readonly string[],
  { values }: ResolvedSettings,
  { json }: { json: boolean },
): Promise<ChildExit> {
  if (operands.length > 0) {
    throw new CommandLineError(`export ls takes no "${operands[0]}"; it lists all exports`)
  }
  const exports = (await runningSession(values)?.exports()) ?? []
  process.stdout.write(json ? `${JSON.stringify({ exports })}\n` : describeExports(exports))
  return OK
}

async function remove(
  operands: readonly string[],
  { values }: ResolvedSettings,
): Promise<ChildExit> {
  if (operands.length === 0) {
    throw new CommandLineError('export rm needs a port: tailproxy export rm 8080')
  }
  const ports = readPorts(operands)
  const running = runningSession(values)
  for (const port of ports) {
    try {
      if (!running) throw new SessionRefusedError('not-found', 'no session runs')
      await running.unexport(port)
    } catch (cause) {
      if (!(cause instanceof SessionRefusedError) || cause.reason !== 'not-found') throw cause
      throw new CommandLineError(
        `port ${port} is not exported; tailproxy export ls tells what is`,
        { cause },
      )
    }
  }
  return OK
}

/** What only the command that starts a session can say. */
function refuseOthersSettings({ origins }: ResolvedSettings): void {
  for (const name of Object.keys(settings) as SettingName[]) {
    const origin = origins[name]
    if (origin.kind !== 'flag' || !/^export|^filters$/.test(name)) continue
    throw new CommandLineError(
      `${describeOrigin(origin)} cannot be changed for the session that runs already; drop it, or end that session first`,
    )
  }
}

function serve(
  targets: readonly ExportTarget[],
  resolved: ResolvedSettings,
  { json }: { json: boolean },
): Promise<never> {
  return interruptible((signal) =>
    withSession(resolved, { signal }, async (session) => {
      await exportAll(session, targets, resolved)
      const { name, addresses } = session.node
      const exports = session.exports()
      for (const each of exports) await warnUnlessListening(each.targets)
      process.stdout.write(
        json
          ? `${JSON.stringify({ exports, node: { name, addresses } })}\n`
          : `${exports.map((each) => describeExport(each, name)).join('\n')}\nCtrl-C ends it.\n`,
      )
      const reason = await Promise.race([aborted(signal), session.ended])
      if (signal.aborted) await drain(session, resolved)
      throw reason
    }),
  )
}

async function exportAll(
  session: Session,
  targets: readonly ExportTarget[],
  { values }: ResolvedSettings,
): Promise<void> {
  const exporter = session.exporter(exportOptions(values))
  for (const target of targets) {
    const outcome = await exporter.add(target)
    if (!outcome.ok) {
      throw new CommandLineError(`port ${target.port} cannot be exported: ${outcome.reason}`)
    }
  }
}

async function drain(session: Session, { values }: ResolvedSettings): Promise<void> {
  const open = session.exports().reduce((sum, { connections }) => sum + connections, 0)
  if (open === 0) return
  say(`waiting for ${open} open connection${open === 1 ? '' : 's'}; Ctrl-C again ends it now`)
  await interruptible(async (again) => {
    const exporter = session.exporter(exportOptions(values))
    await Promise.race([exporter.stop({ drain: true, timeout: DRAIN_TIMEOUT }), aborted(again)])
  })
}
