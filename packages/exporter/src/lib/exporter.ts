import type { RefusalCode } from '@tailproxy/control-protocol'
import { EventEmitter } from 'eventemitter3'
import { askFilter } from './ask-filter.ts'
import { refusalOf } from './backend.ts'
import { BY_HAND, type OwnerId } from './claim.ts'
import type { CloseReason, Export, ExportResult, ExportState, SocketName } from './export.ts'
import { ExportTable } from './export-table.ts'
import { DEFAULT_DRAIN_TIMEOUT, type ExporterOptions, withDefaults } from './exporter-options.ts'
import type { ListenRequest } from './listener.ts'
import type { Outcome } from './outcome.ts'
import { type Network, portKey } from './port-key.ts'
import type { TableEffect, TableInput } from './table-messages.ts'
import type { ExportQuestion } from './verdict.ts'

export interface ExporterEvents {
  /** Fires once the tailnet can connect. Not for what nobody wants any more by then. */
  'export:opened': (exported: Export) => void
  /** Fires once the tailnet cannot connect any more; connections may go on. */
  'export:closed': (exported: Export, reason: CloseReason) => void
  /** A listener is not exported. Not for one that was closed before there was an answer. */
  'export:refused': (request: ExportQuestion, code: RefusalCode, reason: string) => void
  /** Its counts or its targets are others now. */
  'export:changed': (exported: Export) => void
}

/** A program's connection to us: what it tells of is exported as long as it is there. */
export interface Owner {
  /**
   * Tells of a listener. Resolves when the tailnet can connect to it, or will not be able to.
   * @throws the signal's reason, when it is aborted; the listener then counts as not told of
   */
  listen(listener: ListenRequest, options?: { signal?: AbortSignal }): Promise<Outcome>
  /**
   * One `listen` less, for a listener whose socket is not known. For a socket it is a hint only:
   * resolves when the kernel has been asked whether it still listens.
   */
  close(listener: ListenRequest): Promise<void>
  /**
   * The connection has ended. What still listens has `handoverTimeout` for another owner to tell of
   * it; requests that are under way resolve as refused.
   */
  end(): void
}

export interface StopOptions {
  /** Whether open connections may come to their end. Else they are reset. @default false */
  drain?: boolean
  /** Milliseconds after which those that are left are reset all the same. @default 10_000 */
  timeout?: number
}

/** A port of this host. */
export interface AddedPort {
  port: number
  /** @default 'tcp' */
  network?: Network | undefined
  /** @default loopback, of both families */
  address?: string | undefined
}

/** Serves programs' listeners to the tailnet, by way of a backend. */
export interface Exporter extends EventEmitter<ExporterEvents> {
  /** What is exported now, in the order of the ports. */
  exports(): Export[]
  /** `pid` and `run` are for the filter, and `pid` for `exports()`. */
  connect(identity?: { pid?: number | undefined; run?: string | undefined }): Owner
  /**
   * Exports a port of this host at which somebody listens already, until it is removed. Loopback
   * is no obstacle; the filter and the limits are. Twice is as good as once.
   */
  add(port: AddedPort): Promise<Outcome>
  /**
   * Takes back what was added; a program's own listener on that port stays. Resolves when that is
   * done, with whether there was something to take back.
   */
  remove(port: number, network?: Network): Promise<boolean>
  /** Takes what the backend counts. */
  handleState(state: ExportState): void
  /** Ends all exports, for good. Resolves when nothing is exported and nothing drains. */
  stop(options?: StopOptions): Promise<void>
}

/** @throws {ExporterOptionError} for an option that is out of its range */
export function createExporter(options: ExporterOptions): Exporter {
  return new TableExporter(options)
}

/** A tenth of what a message to the sidecar holds. */
const MAX_SOCKETS_AT_ONCE = 1024

type Answer = TableEffect & { type: 'settled' | 'done' }
type Told = TableEffect & { type: 'opened' | 'changed' | 'closed' | 'refused' }

/** Does what the table says, and tells it what came of it. */
class TableExporter extends EventEmitter<ExporterEvents> implements Exporter {
  readonly #options: ReturnType<typeof withDefaults>
  readonly #table: ExportTable
  readonly #resolvers = new Map<number, (answer: Answer) => void>()
  readonly #effects: TableEffect[] = []
  readonly #stopped: Promise<void>
  #isStopped = () => {}
  #isRunning = false
  #lastId = BY_HAND
  #timer: { at: number; handle: unknown } | undefined

  constructor(options: ExporterOptions) {
    super()
    this.#options = withDefaults(options)
    this.#table = new ExportTable(this.#options)
    this.#stopped = new Promise((resolve) => {
      this.#isStopped = resolve
    })
  }

  exports(): Export[] {
    return this.#table.exports()
  }

  connect({ pid, run }: { pid?: number | undefined; run?: string | undefined } = {}): Owner {
    const owner = ++this.#lastId
    const identity = { ...(pid !== undefined && { pid }), ...(run !== undefined && { run }) }
    this.#apply({ type: 'connect', owner, ...identity })
    return {
      listen: (listener, { signal } = {}) => this.#listen(owner, listener, signal),
      close: async (listener) => {
        await this.#request((request) => ({ type: 'close', request, owner, listener }))
      },
      end: () => this.#apply({ type: 'end', owner }),
    }
  }

  add({ port, network = 'tcp', address }: AddedPort): Promise<Outcome> {
    const version = address ? (address.includes(':') ? '6' : '4') : '46'
    return this.#listen(BY_HAND, { family: `${network}${version}`, address, port })
  }

  async remove(port: number, network: Network = 'tcp'): Promise<boolean> {
    const key = portKey({ network, port })
    const effect = await this.#request((request) => ({ type: 'remove', request, key }))
    return effect.type === 'done' && effect.found
  }

  handleState(state: ExportState): void {
    this.#apply({ type: 'state', state })
  }

  async stop({ drain = false, timeout = DEFAULT_DRAIN_TIMEOUT }: StopOptions = {}): Promise<void> {
    this.#apply({ type: 'stop', drain })
    const { clock } = this.#options
    const timer = drain && clock.setTimeout(() => this.#apply({ type: 'cut' }), timeout)
    await this.#stopped
    if (timer) clock.clearTimeout(timer)
  }

  async #listen(owner: OwnerId, listener: ListenRequest, signal?: AbortSignal): Promise<Outcome> {
    signal?.throwIfAborted()
    let abort = () => {}
    try {
      return await new Promise<Outcome>((resolve, reject) => {
        const request = ++this.#lastId
        abort = () => {
          this.#resolvers.delete(request)
          this.#apply({ type: 'withdraw', request })
          reject(signal?.reason)
        }
        signal?.addEventListener('abort', abort, { once: true })
        this.#resolvers.set(request, (effect) => {
          if (effect.type === 'settled') resolve(effect.outcome)
        })
        this.#apply({ type: 'listen', request, owner, listener })
      })
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  #request(input: (request: number) => TableInput): Promise<Answer> {
    const request = ++this.#lastId
    return new Promise((resolve) => {
      this.#resolvers.set(request, resolve)
      this.#apply(input(request))
    })
  }

  #apply(input: TableInput): void {
    this.#effects.push(...this.#table.apply(input, this.#options.clock.now()))
    this.#arm()
    // A listener of an event may call us: what it brings about comes after what is under way.
    if (this.#isRunning) return
    this.#isRunning = true
    for (let effect = this.#effects.shift(); effect; effect = this.#effects.shift()) {
      this.#run(effect)
    }
    this.#isRunning = false
  }

  #arm(): void {
    const { clock } = this.#options
    const at = this.#table.wakeAt()
    if (at === this.#timer?.at) return
    if (this.#timer) clock.clearTimeout(this.#timer.handle)
    this.#timer = undefined
    if (at === undefined) return
    const tick = () => {
      this.#timer = undefined
      this.#apply({ type: 'tick' })
    }
    this.#timer = { at, handle: clock.setTimeout(tick, Math.max(0, Math.ceil(at - clock.now()))) }
  }

  #run(effect: TableEffect): void {
    switch (effect.type) {
      case 'decide':
        void this.#decide(effect.request, effect.question)
        break
      case 'export':
      case 'retarget':
      case 'unexport':
        void this.#call(effect)
        break
      case 'reset':
        void this.#reset(effect.export)
        break
      case 'check':
        void this.#check(effect.sockets)
        break
      case 'settled':
      case 'done':
        this.#resolvers.get(effect.request)?.(effect)
        this.#resolvers.delete(effect.request)
        break
      case 'stopped':
        this.#isStopped()
        break
      default:
        this.#tell(effect)
    }
  }

  async #decide(request: number, question: ExportQuestion): Promise<void> {
    const { decide, decideTimeout, clock } = this.#options
    const verdict = decide && (await askFilter(decide, question, decideTimeout, clock))
    this.#apply({ type: 'decided', request, verdict })
  }

  async #call(effect: TableEffect & { type: 'export' | 'retarget' | 'unexport' }): Promise<void> {
    const { key } = effect
    let result: ExportResult | undefined
    try {
      result = await this.#callBackend(effect)
    } catch (error) {
      return this.#apply({ type: 'failed', key, refusal: refusalOf(error) })
    }
    this.#apply({ type: 'called', key, result })
  }

  async #callBackend(
    effect: TableEffect & { type: 'export' | 'retarget' | 'unexport' },
  ): Promise<ExportResult | undefined> {
    const { backend } = this.#options
    if (effect.type === 'export') return backend.export(effect.call)
    if (effect.type === 'retarget') await backend.retarget(effect.export, effect.targets)
    else await backend.unexport(effect.export, { drain: effect.drain })
    return undefined
  }

  async #reset(id: number): Promise<void> {
    // Nothing depends on it: an export that the backend does not know any more has no connections.
    try {
      await this.#options.backend.unexport(id, { drain: false })
    } catch {}
  }

  async #check(sockets: SocketName[]): Promise<void> {
    let listening: boolean[] | undefined = []
    try {
      for (let at = 0; at < sockets.length; at += MAX_SOCKETS_AT_ONCE) {
        const some = sockets.slice(at, at + MAX_SOCKETS_AT_ONCE)
        listening.push(...(await this.#options.backend.listening(some)))
      }
    } catch {
      // What cannot be asked counts as listening: no export is lost by a failure of ours.
      listening = undefined
    }
    this.#apply({ type: 'checked', listening })
  }

  #tell(effect: Told): void {
    try {
      if (effect.type === 'opened') this.emit('export:opened', effect.export)
      if (effect.type === 'changed') this.emit('export:changed', effect.export)
      if (effect.type === 'closed') this.emit('export:closed', effect.export, effect.reason)
      if (effect.type === 'refused') {
        const { code, reason } = effect.refusal
        this.emit('export:refused', effect.question, code, reason)
      }
    } catch (error) {
      // It is the listener's own; thrown here it would stop what others wait for.
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
