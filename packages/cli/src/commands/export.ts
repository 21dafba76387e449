import process from 'node:process'
import type { RawSettings } from '@tailproxy/config'
import {
  awaitReady,
  describeExport,
  describePort,
  type ExportTarget,
  type Session,
  SessionClient,
  type SessionExport,
  SessionRefusedError,
} from '@tailproxy/session/host'
import { describeExports } from '../lib/describe-exports.ts'
import { CommandLineError } from '../lib/exit-status.ts'
import { readExportedPorts, readExportTargets } from '../lib/export-target.ts'
import { inSession } from '../lib/in-session.ts'
import { aborted, interruptible } from '../lib/interruption.ts'
import type { ChildExit } from '../lib/run-child.ts'
import { runningSession } from '../lib/running-session.ts'
import { type ProgressTeller, tellProgress } from '../lib/tell-progress.ts'
import { say } from '../lib/terminal.ts'
import { warnUnlessListening } from '../lib/warn-unless-listening.ts'
import { withHost } from '../lib/with-host.ts'

const OK: ChildExit = { status: 0, signal: null }
/** Milliseconds that open connections have to end after Ctrl-C; another one ends them at once. */
const DRAIN_TIMEOUT = 10_000

/** `tailproxy export PORT…`, `export ls`, `export rm PORT…`. */
export async function exportPorts(
  operands: readonly string[],
  raw: RawSettings,
  options: { json: boolean },
): Promise<ChildExit> {
  const [first, ...rest] = operands
  if (first === undefined) {
    throw new CommandLineError('export needs a port: tailproxy export 8080 (or ls, or rm PORT)')
  }
  if (first === 'ls') return list(rest, raw, options)
  if (first === 'rm') return remove(rest, raw)
  const targets = readExportTargets(operands)
  if (raw.foreground !== undefined && raw.foreground.value !== false) {
    return serve(targets, raw, options)
  }
  return interruptible(async (signal) => {
    const teller = tellProgress(raw)
    const add = (socket: string) => addAll(socket, targets, raw, { ...teller, signal })
    try {
      const added = await inSession(raw, signal, add)
      for (const each of added) await warnUnlessListening(each)
      process.stdout.write(
        options.json ? `${JSON.stringify({ exports: added })}\n` : describeExports(added),
      )
    } finally {
      teller.done()
    }
    return OK
  })
}

async function addAll(
  socket: string,
  targets: readonly ExportTarget[],
  raw: RawSettings,
  { onWait, done, signal }: ProgressTeller & { signal: AbortSignal },
): Promise<SessionExport[]> {
  await awaitReady(socket, raw, { onWait, signal })
  done()
  const client = new SessionClient(socket)
  const added: SessionExport[] = []
  for (const target of targets) {
    try {
      added.push(await client.export(target, { settings: raw, cwd: process.cwd() }))
    } catch (cause) {
      if (!(cause instanceof SessionRefusedError)) throw cause
      const message = `${describePort(target)} cannot be exported: ${cause.message}`
      throw new CommandLineError(message, { cause })
    }
  }
  return added
}

async function list(
  operands: readonly string[],
  raw: RawSettings,
  { json }: { json: boolean },
): Promise<ChildExit> {
  if (operands.length > 0) {
    throw new CommandLineError(`export ls takes no "${operands[0]}"; it lists all exports`)
  }
  const exports = (await (await runningSession(raw))?.exports()) ?? []
  process.stdout.write(json ? `${JSON.stringify({ exports })}\n` : describeExports(exports))
  return OK
}

async function remove(operands: readonly string[], raw: RawSettings): Promise<ChildExit> {
  if (operands.length === 0) {
    throw new CommandLineError('export rm needs a port: tailproxy export rm 8080')
  }
  const ports = readExportedPorts(operands)
  const running = await runningSession(raw)
  for (const port of ports) {
    try {
      if (!running) throw new SessionRefusedError('not-found', 'no session runs')
      await running.unexport(port.port, port.network)
    } catch (cause) {
      if (!(cause instanceof SessionRefusedError) || cause.reason !== 'not-found') throw cause
      throw new CommandLineError(
        `${describePort(port)} is not exported; tailproxy export ls tells what is`,
        { cause },
      )
    }
  }
  return OK
}

function serve(
  targets: readonly ExportTarget[],
  raw: RawSettings,
  { json }: { json: boolean },
): Promise<never> {
  return interruptible(async (signal) => {
    const teller = tellProgress(raw)
    try {
      return await withHost(raw, { signal }, async (host) => {
        const exports = await addAll(host.socketPath, targets, raw, { ...teller, signal })
        for (const each of exports) await warnUnlessListening(each)
        const session = await host.ready
        const { name, addresses } = session.node
        process.stdout.write(
          json
            ? `${JSON.stringify({ exports, node: { name, addresses } })}\n`
            : `${exports.map((each) => describeExport(each, name)).join('\n')}\nCtrl-C ends it.\n`,
        )
        const reason = await Promise.race([aborted(signal), host.ended])
        if (signal.aborted) await drain(session)
        throw reason
      })
    } finally {
      teller.done()
    }
  })
}

async function drain(session: Session): Promise<void> {
  const open = session.exports.list().reduce((sum, { connections }) => sum + connections, 0)
  if (open === 0) return
  say(`waiting for ${open} open connection${open === 1 ? '' : 's'}; Ctrl-C again ends it now`)
  await interruptible(async (again) => {
    await Promise.race([session.exports.drain(DRAIN_TIMEOUT), aborted(again)])
  })
}
