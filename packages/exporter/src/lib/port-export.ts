import { Claims } from './claim.ts'
import type { CloseReason, Export, ExportResult, ExportState } from './export.ts'
import { type Network, type PortKey, type PortName, portKey } from './port-key.ts'

/** A call to the backend that has not been answered; a port has one at a time. */
export type Call = 'export' | 'retarget' | 'unexport'

/** What is to be done about a port, given what is wanted and what there is. */
export type Step =
  | { readonly call: 'export'; readonly targets: string[] }
  | { readonly call: 'retarget'; readonly export: number; readonly targets: string[] }
  | { readonly call: 'unexport'; readonly export: number }
  /** It is as it should be. */
  | 'settled'
  /** There is none, and none is wanted. */
  | 'gone'
  /** A call is under way; its answer decides. */
  | 'wait'

/** One port: who wants it exported, what of that the backend has done, and what it counts. */
export class PortExport implements PortName {
  readonly network: Network
  readonly port: number
  readonly key: PortKey
  readonly claims = new Claims()
  /** Removals that are answered when the port is as it should be. */
  readonly leaving = new Set<number>()
  /** Why the last claim went. */
  reason: CloseReason = 'closed'
  /** Whether it has been told of as opened. */
  isAnnounced = false
  /** Whether the `unexport` under way lets connections go on to their end. */
  isDraining = false
  /** Since when nobody is connected. */
  #idleSince: number | undefined
  #busy: Call | undefined
  #sent: string[] = []
  #open: { result: ExportResult; targets: string[]; state: ExportState } | undefined

  constructor({ network, port }: PortName) {
    this.network = network
    this.port = port
    this.key = portKey({ network, port })
  }

  get busy(): Call | undefined {
    return this.#busy
  }

  get exportId(): number | undefined {
    return this.#open?.result.export
  }

  /** Where connections go now. */
  get targets(): readonly string[] {
    return this.#open?.targets ?? []
  }

  /** The next call is taken for made. */
  step(): Step {
    if (this.#busy) return 'wait'
    const wanted = this.claims.targets()
    if (!this.#open) {
      if (wanted.length === 0) return 'gone'
      return this.#call({ call: 'export', targets: wanted })
    }
    const { export: id } = this.#open.result
    if (wanted.length === 0) return this.#call({ call: 'unexport', export: id })
    if (this.isUpToDate()) return 'settled'
    return this.#call({ call: 'retarget', export: id, targets: wanted })
  }

  #call<Made extends { call: Call; targets?: string[] }>(step: Made): Made {
    this.#busy = step.call
    this.#sent = step.targets ?? []
    return step
  }

  isUpToDate(): boolean {
    return this.targets.join() === this.claims.targets().join()
  }

  /** The call under way has been answered. @returns which it was */
  answered(): Call | undefined {
    const call = this.#busy
    this.#busy = undefined
    return call
  }

  opened(result: ExportResult, now: number): void {
    const none = { connections: 0, accepted: 0, refused: 0, bytesUp: 0, bytesDown: 0 }
    this.#open = { result, targets: this.#sent, state: { export: result.export, ...none } }
    this.#idleSince = now
  }

  retargeted(): void {
    if (this.#open) this.#open.targets = this.#sent
  }

  closed(): void {
    this.#open = undefined
    this.#idleSince = undefined
    this.isAnnounced = false
  }

  /** Somebody has just begun to listen: nobody could have connected to that so far. */
  listenedTo(now: number): void {
    if (this.#idleSince !== undefined) this.#idleSince = now
  }

  /** When it is to be closed for that; 0 is never. */
  idleAt(timeout: number): number | undefined {
    if (timeout === 0 || this.#busy || this.#idleSince === undefined) return undefined
    return this.#idleSince + timeout
  }

  counted(state: ExportState, now: number): void {
    if (!this.#open) return
    const { accepted } = this.#open.state
    this.#open.state = state
    // A connection that has come and gone between two counts was one too.
    if (state.connections > 0) this.#idleSince = undefined
    else if (this.#idleSince === undefined || state.accepted !== accepted) this.#idleSince = now
  }

  /** `undefined` while it is not open. */
  snapshot(pidOf: (owner: number) => number | undefined): Export | undefined {
    if (!this.#open) return undefined
    const { result, targets, state } = this.#open
    const owners = new Set([...this.claims].flatMap(({ owners }) => [...owners.keys()]))
    const pids = [...owners].map(pidOf).filter((pid) => pid !== undefined)
    return {
      ...state,
      network: this.network,
      port: this.port,
      targets: [...targets],
      addresses: [...result.addresses],
      listeners: this.claims.size,
      pids: [...new Set(pids)],
    }
  }
}
