import type { ExportCall, ExportResult, SocketName } from './export.ts'
import { type Refusal, refusal } from './outcome.ts'

/**
 * Who listens on the tailnet and forwards: the sidecar, as a rule. Each promise has to be settled
 * sooner or later. An error's `reason`, if it has one, is a stable code: `busy` is a port that is
 * taken on the tailnet.
 */
export interface ExportBackend {
  /** Resolves when the tailnet can connect. */
  export(call: ExportCall): Promise<ExportResult>
  /** Where connections go from now on. */
  retarget(id: number, targets: string[]): Promise<unknown>
  /**
   * Resolves when there are no new connections, so that the port can be exported again. The open
   * ones are reset, or with `drain` go on to their own end, and `handleState` goes on to be told.
   * Called again for one that drains, without `drain`, it resets what is left.
   */
  unexport(id: number, options: { drain: boolean }): Promise<unknown>
  /** Whether the kernel has each of these sockets, and it listens. In the order given. */
  listening(sockets: SocketName[]): Promise<boolean[]>
}

/** What an error of the backend means to whoever asked. */
export function refusalOf(error: unknown): Refusal {
  const { reason } = (error ?? {}) as { reason?: unknown }
  const message = error instanceof Error ? error.message : String(error)
  return refusal(reason === 'busy' ? 'taken' : 'unavailable', message)
}
