import { type CloseReason, type Export, portText } from '@tailproxy/exporter'
import type { FlowClosed, FlowOpened } from '@tailproxy/sidecar'
import { describeExport } from './describe-export.ts'
import { describeFlow, describeFlowEnd } from './describe-flow.ts'
import type { Run } from './run.ts'
import type { RunEvent } from './run-messages.ts'
import type { Session } from './session.ts'
import type { SessionHost } from './session-host.ts'

export interface FollowedRun {
  session: Session
  run: Run
  /** Whether what is done for it is told, too. */
  verbose: boolean
  tell: (event: RunEvent) => void
  /** The command has ended. */
  gone: AbortSignal
}

/** Tells a command what happens to its session and, if it wants to know, what is done for it, to its end or the session's. */
export async function followRun(host: SessionHost, followed: FollowedRun): Promise<void> {
  const { session, run, verbose, tell, gone } = followed
  const say = (message: string): void => tell({ event: 'said', message })
  const undo: (() => void)[] = []
  const down = ({ message }: Error): void => tell({ event: 'down', reason: message })
  const up = (): void => tell({ event: 'up' })
  session.on('down', down)
  session.on('up', up)
  undo.push(() => session.off('down', down).off('up', up))
  if (verbose) {
    undo.push(tellFlows(session, run, say), await session.watch(), tellExports(session, run, say))
    host.on('said', say)
    undo.push(() => host.off('said', say))
  }
  try {
    await anyOf(gone, host.closing)
  } finally {
    for (const each of undo) each()
  }
}

function tellFlows(session: Session, run: Run, say: (message: string) => void): () => void {
  const flows = new Set<number>()
  const opened = (flow: FlowOpened): void => {
    if (flow.run !== run.id) return
    flows.add(flow.flow)
    say(describeFlow(flow))
  }
  const closed = (flow: FlowClosed): void => {
    if (flows.delete(flow.flow)) say(describeFlowEnd(flow))
  }
  session.on('flowOpened', opened).on('flowClosed', closed)
  return () => session.off('flowOpened', opened).off('flowClosed', closed)
}

/** The exporter is the run's own, and ends with it. */
function tellExports(
  { node }: Session,
  { exporter }: Run,
  say: (message: string) => void,
): () => void {
  if (!exporter) return () => {}
  const opened = (each: Export): void => say(`export: ${describeExport(each, node.name)}`)
  const closed = (each: Export, reason: CloseReason): void =>
    say(`export: ${node.name}:${portText(each)} ends (${reason})`)
  exporter.on('export:opened', opened).on('export:closed', closed)
  return () => exporter.off('export:opened', opened).off('export:closed', closed)
}

function anyOf(...signals: AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      if (signal.aborted) return resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    }
  })
}
