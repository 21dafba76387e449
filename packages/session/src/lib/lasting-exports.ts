import type { PortName } from '@tailproxy/exporter'
import {
  type ExportRequest,
  type ExportResult,
  type ExportState,
  type ListeningSocket,
  type Sidecar,
  SidecarRequestError,
} from '@tailproxy/sidecar'
import { EventEmitter } from 'eventemitter3'

export interface LastingExportsEvents {
  state: (state: ExportState) => void
  /** A new sidecar did not take an export over; it is not served until it is opened anew. */
  lost: (port: PortName, reason: Error) => void
}

interface Lasting {
  readonly request: ExportRequest
  /** None once it has ended. */
  targets: string[]
  /** What the present sidecar calls it. */
  inSidecar: number | undefined
  /** What was counted by the sidecars before. */
  before: ExportState
  last: ExportState
}

/** Exports that outlive the sidecar: to whoever opened one it stays the same under a new sidecar. */
export class LastingExports extends EventEmitter<LastingExportsEvents> {
  readonly #up: () => Promise<Sidecar>
  readonly #exports = new Map<number, Lasting>()
  #lastId = 0

  constructor(up: () => Promise<Sidecar>) {
    super()
    this.#up = up
  }

  /** Opens in a new sidecar what was open in the one before, and follows what it counts. */
  async attach(sidecar: Sidecar): Promise<void> {
    sidecar.on('exportState', (state) => this.#count(state))
    for (const [id, lasting] of this.#exports) {
      lasting.inSidecar = undefined
      lasting.before = { ...lasting.last, connections: 0 }
      lasting.last = lasting.before
      this.emit('state', { ...lasting.last, export: id })
    }
    for (const lasting of this.#exports.values()) await this.#reopen(sidecar, lasting)
  }

  async export(request: ExportRequest): Promise<ExportResult> {
    const opened = await this.#open(request)
    for (const [id, { request: before, targets }] of this.#exports) {
      if (targets.length === 0 && isSamePort(before, request)) this.#exports.delete(id)
    }
    const id = ++this.#lastId
    const none = { export: id, connections: 0, accepted: 0, refused: 0, bytesUp: 0, bytesDown: 0 }
    const { targets } = request
    const counts = { before: none, last: none }
    this.#exports.set(id, { request, targets, inSidecar: opened.export, ...counts })
    return { ...opened, export: id }
  }

  /** A sidecar that dies meanwhile is no answer; the next one is asked. */
  async #open(request: ExportRequest): Promise<ExportResult> {
    for (;;) {
      const sidecar = await this.#up()
      try {
        return await sidecar.export(request)
      } catch (error) {
        if (error instanceof SidecarRequestError) throw error
      }
    }
  }

  async retarget(id: number, targets: string[]): Promise<void> {
    const lasting = this.#exports.get(id)
    if (!lasting) return
    const sidecar = await this.#up()
    lasting.targets = targets
    if (lasting.inSidecar !== undefined) await sidecar.retarget(lasting.inSidecar, targets)
    else await this.#reopen(sidecar, lasting)
  }

  async unexport(id: number, options: { drain: boolean }): Promise<void> {
    const lasting = this.#exports.get(id)
    if (!lasting) return
    lasting.targets = []
    // Draining connections are counted to their end.
    if (!options.drain) this.#exports.delete(id)
    const sidecar = await this.#up()
    if (lasting.inSidecar !== undefined) await sidecar.unexport(lasting.inSidecar, options)
  }

  async listening(sockets: ListeningSocket[]): Promise<boolean[]> {
    return (await this.#up()).listening(sockets)
  }

  async #reopen(sidecar: Sidecar, lasting: Lasting): Promise<void> {
    const { request, targets } = lasting
    if (targets.length === 0) return
    try {
      lasting.inSidecar = (await sidecar.export({ ...request, targets })).export
    } catch (error) {
      const { port, network = 'tcp' } = request
      this.emit('lost', { port, network }, error as Error)
    }
  }

  #count(state: ExportState): void {
    for (const [id, lasting] of this.#exports) {
      if (lasting.inSidecar !== state.export) continue
      const { before } = lasting
      const dropped = (before.dropped ?? 0) + (state.dropped ?? 0)
      lasting.last = {
        ...state,
        export: id,
        accepted: before.accepted + state.accepted,
        refused: before.refused + state.refused,
        bytesUp: before.bytesUp + state.bytesUp,
        bytesDown: before.bytesDown + state.bytesDown,
        ...(dropped > 0 ? { dropped } : {}),
      }
      this.emit('state', lasting.last)
      if (lasting.targets.length === 0 && state.connections === 0) this.#exports.delete(id)
      return
    }
  }
}

function isSamePort(one: ExportRequest, other: ExportRequest): boolean {
  return one.port === other.port && one.network === other.network
}
