import { BY_HAND, type Claim, isKnown, isServedBy, type OwnerId } from './claim.ts'
import { Drain } from './drain.ts'
import type { CloseReason, Export, ExportResult, ExportState } from './export.ts'
import { type Check, KernelChecks } from './kernel-checks.ts'
import { boundTo, type ListenRequest, readListener } from './listener.ts'
import { type Refusal, refusal } from './outcome.ts'
import type { PendingRequest } from './pending-request.ts'
import type { PortExport } from './port-export.ts'
import { networkOf, type PortKey, portKey } from './port-key.ts'
import { earliest, PortList } from './port-list.ts'
import { RequestBook, WITHDRAWN } from './request-book.ts'
import { obstacleTo, screenRequest } from './screen-request.ts'
import type { TableEffect, TableInput } from './table-messages.ts'
import type { ExportVerdict } from './verdict.ts'

/** Counts of exports that the backend has opened and not yet told of. */
const MAX_EARLY_STATES = 64
/** Milliseconds until the kernel is asked again about a socket whose last owner has gone; twice as many before the next time. */
const FIRST_SWEEP = 10

export interface ExportTableOptions {
  readonly maxExports: number
  /** Whether what is bound to loopback is exported. */
  readonly loopback: boolean
  /** Milliseconds, like the others; 0 is never. */
  readonly idleTimeout: number
  readonly handoverTimeout: number
  readonly sweepInterval: number
}

/**
 * Who listens where, and what is exported on that account. It has no I/O and no clock: `apply`
 * takes what happened and when, and returns what is to be done about it.
 *
 * A listener is its socket: that a descriptor was closed, or a connection has ended, only leads to
 * the kernel being asked (docs/decisions/007-listeners.md). Claims say what is wanted; each port
 * follows with one call to the backend at a time, so that answers may come as late as they like.
 */
export class ExportTable {
  readonly #options: ExportTableOptions
  readonly #owners = new Map<OwnerId, { pid?: number; run?: string }>([[BY_HAND, {}]])
  readonly #ports = new PortList()
  readonly #requests = new RequestBook()
  readonly #checks = new KernelChecks()
  readonly #drain = new Drain()
  readonly #early = new Map<number, ExportState>()
  #sequence = 0
  #sweepAt: number | undefined
  #sweepDelay: number
  #stop: { drain: boolean; isDone: boolean } | undefined
  #now = 0
  #effects: TableEffect[] = []

  constructor(options: ExportTableOptions) {
    this.#options = options
    this.#sweepDelay = options.sweepInterval
  }

  /** @param now milliseconds of a clock that never goes back */
  apply(input: TableInput, now: number): TableEffect[] {
    this.#now = now
    this.#effects = []
    this.#requests.writeTo(this.#effects)
    this.#take(input)
    this.#startCheck()
    this.#scheduleSweep()
    this.#finishStop()
    return this.#effects
  }

  /** When a `tick` is due. */
  wakeAt(): number | undefined {
    return earliest([this.#sweepAt, this.#ports.dueAt(this.#options.idleTimeout)])
  }

  /** What is open now, in the order of the ports. */
  exports(): Export[] {
    return this.#ports
      .all()
      .filter(({ isAnnounced }) => isAnnounced)
      .sort((one, other) => one.port - other.port || one.network.localeCompare(other.network))
      .map((port) => this.#snapshot(port))
      .filter((each) => each !== undefined)
  }

  #take(input: TableInput): void {
    switch (input.type) {
      case 'connect': {
        const { owner, type: _, ...identity } = input
        this.#owners.set(owner, identity)
        break
      }
      case 'listen':
        this.#listen(input.request, input.owner, input.listener)
        break
      case 'close':
        this.#close(input.request, input.owner, input.listener)
        break
      case 'remove':
        this.#remove(input.request, input.key)
        break
      case 'withdraw':
        this.#withdraw(input.request)
        break
      case 'end':
        this.#end(input.owner)
        break
      case 'decided':
        this.#decided(input.request, input.verdict)
        break
      case 'called':
        this.#called(input.key, input.result)
        break
      case 'failed':
        this.#failed(input.key, input.refusal)
        break
      case 'checked':
        this.#checked(input.listening)
        break
      case 'state':
        this.#counted(input.state)
        break
      case 'tick':
        this.#tick()
        break
      case 'stop':
        this.#stopAll(input.drain)
        break
      case 'cut':
        if (this.#stop) this.#stop.drain = false
        this.#cut()
    }
  }

  // Requests, from their arrival to the claim that they become.

  #listen(request: number, owner: OwnerId, asked: ListenRequest): void {
    const identity = this.#owners.get(owner)
    const screened = screenRequest(asked, this.#options.loopback || owner === BY_HAND)
    const { family, port, address = '' } = 'ok' in screened ? asked : screened
    const question = { network: networkOf(family), family, address, port, ...identity }
    if (!identity) {
      this.#requests.settle(request, WITHDRAWN)
    } else if (this.#stop) {
      this.#requests.refuse(request, question, STOPPED)
    } else if ('ok' in screened) {
      this.#requests.refuse(request, question, screened)
    } else {
      const pending: PendingRequest = {
        id: request,
        owner,
        listener: screened,
        question,
        sequence: ++this.#sequence,
        stage: 'deciding',
        isFirst: false,
      }
      this.#requests.add(pending)
      // Whoever told of this socket first was allowed to.
      if (this.#ports.claimOf(screened, owner)) this.#claim(pending)
      else this.#effects.push({ type: 'decide', request, question })
    }
  }

  #decided(request: number, verdict: ExportVerdict | undefined): void {
    const pending = this.#requests.get(request)
    if (pending?.stage !== 'deciding') return
    const obstacle = this.#obstacle(pending)
    if (verdict?.verdict === 'deny') {
      this.#refuse(pending, refusal('denied', verdict.reason))
    } else if (!obstacle) {
      this.#claim(pending)
    } else if (!this.#askAbout(pending, obstacle)) {
      this.#refuse(pending, obstacle)
    }
  }

  /**
   * What stands in the way may be gone already: a program that restarts is not kept waiting.
   * @returns whether there is anything of which the kernel could tell
   */
  #askAbout(pending: PendingRequest, { code }: Refusal): boolean {
    const isOwn = ({ listener }: Claim) =>
      code !== 'taken' || portKey(listener) === portKey(pending.listener)
    const claims = this.#ports.knownClaims().filter(isOwn)
    if (claims.length === 0) return false
    pending.stage = 'checking'
    this.#checks.ask(claims, this.#sequence).requests.push(pending.id)
    return true
  }

  #obstacle({ listener, owner }: PendingRequest): Refusal | undefined {
    if (this.#ports.claimOf(listener, owner)) return undefined
    const count = this.#ports.wanted()
    const claims = this.#ports.of(listener)?.claims
    return obstacleTo(listener, claims, count, this.#options.maxExports)
  }

  #claim(pending: PendingRequest): void {
    const { listener, owner } = pending
    const port = this.#ports.getOrAdd(listener)
    pending.stage = 'waiting'
    pending.isFirst = port.claims.add(listener, owner, ++this.#sequence)
    if (pending.isFirst) port.listenedTo(this.#now)
    this.#follow(port)
  }

  // What ends a request or a claim.

  #close(request: number, owner: OwnerId, asked: ListenRequest): void {
    const listener = readListener(asked)
    if ('invalid' in listener) {
      this.#requests.done(request)
      return
    }
    const early = this.#requests.early(listener)
    const claim = this.#ports.claimOf(listener, owner)
    if (listener.socket === 0n) {
      const own = early.find((each) => each.owner === owner)
      if (own) this.#refuse(own, WITHDRAWN)
      else if (claim) this.#subtract(claim, owner)
      this.#requests.done(request)
    } else if (claim || early.length > 0) {
      this.#checks.ask(claim ? [claim] : [], this.#sequence)
      this.#checks.askOf(listener, this.#sequence).closes.push(request)
    } else {
      this.#requests.done(request)
    }
  }

  #remove(request: number, key: PortKey): void {
    const early = this.#requests.earlyByHand(key)
    for (const each of early) this.#refuse(each, WITHDRAWN)
    const exported = this.#ports.get(key)
    const claims = [...(exported?.claims ?? [])].filter(({ owners }) => owners.has(BY_HAND))
    if (!exported || claims.length === 0) {
      this.#requests.done(request, early.length > 0)
      return
    }
    exported.leaving.add(request)
    for (const claim of claims) this.#forget(exported, claim, 'closed')
    this.#follow(exported)
  }

  #withdraw(request: number): void {
    const pending = this.#requests.take(request)
    if (!pending) return
    const { listener, owner, stage, isFirst } = pending
    const claim = this.#ports.claimOf(listener, owner)
    if (stage !== 'waiting' || !claim) return
    const isKept = isKnown(claim) || owner === BY_HAND
    if (isKept) {
      // Another request of the owner may count on the claim that this one has made.
      const other = this.#requests.waitingFor(claim).find((each) => each.owner === owner)
      if (other && isFirst) other.isFirst = true
      if (other || !isFirst) return
    }
    this.#subtract(claim, owner)
  }

  #end(owner: OwnerId): void {
    this.#owners.delete(owner)
    for (const pending of this.#requests.filter((each) => each.owner === owner)) {
      this.#refuse(pending, WITHDRAWN)
    }
    for (const port of this.#ports.all()) {
      for (const claim of [...port.claims]) {
        if (!claim.owners.delete(owner)) continue
        if (!isKnown(claim)) {
          this.#forget(port, claim, 'closed')
          continue
        }
        if (claim.owners.size === 0) {
          claim.orphanUntil = this.#now + this.#options.handoverTimeout
          this.#sweepSoon()
        }
        this.#checks.ask([claim], this.#sequence)
      }
      this.#follow(port)
    }
  }

  #subtract(claim: Claim, owner: OwnerId): void {
    const port = this.#ports.of(claim.listener)
    if (!port?.claims.subtract(claim, owner)) return
    if (claim.owners.size > 0) return
    this.#forget(port, claim, 'closed')
    this.#follow(port)
  }

  /** Requests that wait for the claim wait in vain. The port has to follow. */
  #forget(port: PortExport, claim: Claim, reason: CloseReason, why: Refusal = WITHDRAWN): void {
    const waiting = this.#requests.waitingFor(claim)
    port.claims.remove(claim)
    // Why an export ends is settled when its end has begun.
    if (port.busy !== 'unexport') port.reason = reason
    for (const each of waiting) this.#refuse(each, why)
  }

  #forgetAll(port: PortExport, reason: CloseReason, why?: Refusal): void {
    for (const claim of [...port.claims]) this.#forget(port, claim, reason, why)
  }

  // The backend follows.

  #follow(port: PortExport): void {
    const step = port.step()
    if (step === 'wait') return
    if (step === 'settled' || step === 'gone') {
      if (step === 'gone') this.#ports.remove(port)
      for (const request of port.leaving) this.#requests.done(request, true)
      port.leaving.clear()
      const exported = this.#snapshot(port)
      for (const { id } of exported ? this.#requests.waitingAt(port.key) : []) {
        if (exported) this.#requests.settle(id, { ok: true, export: exported })
      }
      return
    }
    const { key, network } = port
    switch (step.call) {
      case 'export':
        this.#effects.push({
          type: 'export',
          key,
          call: { network, port: port.port, targets: step.targets },
        })
        return
      case 'retarget':
        this.#effects.push({
          type: 'retarget',
          key,
          export: step.export,
          targets: step.targets,
        })
        return
      case 'unexport':
        // What a program has accepted it goes on to serve when it listens no more.
        port.isDraining = this.#stop?.drain ?? true
        this.#effects.push({
          type: 'unexport',
          key,
          export: step.export,
          drain: port.isDraining,
        })
    }
  }

  #called(key: PortKey, result: ExportResult | undefined): void {
    const port = this.#ports.get(key)
    const call = port?.answered()
    if (!port || !call) return
    if (call === 'export' && result) this.#opened(port, result)
    else if (call === 'retarget') this.#retargeted(port)
    else if (call === 'unexport') this.#closed(port)
    this.#forgetEarly()
    this.#follow(port)
  }

  #opened(port: PortExport, result: ExportResult): void {
    port.opened(result, this.#now)
    const early = this.#early.get(result.export)
    if (early) port.counted(early, this.#now)
    // Whoever wanted it is gone again: then nobody needs to hear of it.
    if (port.claims.size === 0) return
    port.isAnnounced = true
    this.#tell('opened', port)
  }

  #retargeted(port: PortExport): void {
    port.retargeted()
    if (port.isAnnounced) this.#tell('changed', port)
  }

  #closed(port: PortExport): void {
    const exported = this.#snapshot(port)
    if (!exported) return
    if (port.isDraining) this.#drain.add(exported.export, exported.connections)
    // The stop may have become an immediate one since.
    if (this.#stop?.drain === false) this.#cut()
    if (port.isAnnounced) {
      this.#effects.push({ type: 'closed', export: exported, reason: port.reason })
    }
    port.closed()
  }

  #failed(key: PortKey, why: Refusal): void {
    const port = this.#ports.get(key)
    const call = port?.answered()
    if (!port || !call) return
    if (call === 'export') this.#forgetAll(port, 'lost', why)
    // A backend that does not know an export any more has none.
    if (call === 'unexport') this.#closed(port)
    if (call === 'retarget') {
      for (const claim of [...port.claims]) {
        if (!isServedBy(claim.listener, port.targets)) this.#forget(port, claim, 'lost', why)
      }
      // Connections would go where nobody listens, or somebody else does.
      if (!port.isUpToDate()) this.#forgetAll(port, 'lost', why)
    }
    this.#forgetEarly()
    this.#follow(port)
  }

  // The kernel, and time.

  #startCheck(): void {
    const check = this.#checks.start()
    if (!check) return
    const sockets = [...check.sockets.values()].map(({ listener }) => ({
      network: listener.network,
      address: boundTo(listener),
      cookie: listener.socket,
    }))
    this.#effects.push({ type: 'check', sockets })
  }

  #checked(listening: readonly boolean[] | undefined): void {
    const check = this.#checks.answered()
    if (!check) return
    const touched = this.#drop(check, listening)
    for (const request of check.closes) this.#requests.done(request)
    for (const request of check.requests) {
      const pending = this.#requests.get(request)
      if (pending?.stage !== 'checking') continue
      const obstacle = this.#obstacle(pending)
      if (obstacle) this.#refuse(pending, obstacle)
      else this.#claim(pending)
    }
    for (const port of touched) this.#follow(port)
  }

  /** Forgets what listens no more. @returns the ports that have to follow */
  #drop(check: Check, listening: readonly boolean[] | undefined): Set<PortExport> {
    const ports = new Set<PortExport>()
    for (const [at, [key, { listener, touched }]] of [...check.sockets].entries()) {
      if (listening?.[at] !== false) continue
      const port = this.#ports.of(listener)
      const claim = port?.claims.get(key)
      if (port && claim?.touched === touched) {
        this.#forget(port, claim, 'closed')
        ports.add(port)
      }
      for (const pending of this.#requests.early(listener)) {
        if (pending.sequence <= check.sequence) this.#refuse(pending, WITHDRAWN)
      }
    }
    return ports
  }

  #scheduleSweep(): void {
    if (this.#ports.knownClaims().length === 0) this.#sweepAt = undefined
    else this.#sweepAt ??= this.#now + this.#sweepDelay
  }

  /** The kernel closes what a dying process had in an order of its own: its listener may outlive its connection for a moment. */
  #sweepSoon(): void {
    this.#sweepDelay = Math.min(FIRST_SWEEP, this.#options.sweepInterval)
    this.#sweepAt = earliest([this.#sweepAt, this.#now + this.#sweepDelay])
  }

  #tick(): void {
    for (const port of this.#ports.all()) {
      for (const claim of [...port.claims]) {
        if (claim.orphanUntil !== undefined && claim.orphanUntil <= this.#now) {
          this.#forget(port, claim, 'lost')
        }
      }
      const idleAt = port.idleAt(this.#options.idleTimeout)
      if (idleAt !== undefined && idleAt <= this.#now) this.#forgetAll(port, 'idle')
      this.#follow(port)
    }
    if (this.#sweepAt === undefined || this.#sweepAt > this.#now) return
    this.#sweepAt = undefined
    this.#sweepDelay = Math.min(2 * this.#sweepDelay, this.#options.sweepInterval)
    const claims = this.#ports.knownClaims()
    if (claims.length > 0) this.#checks.ask(claims, this.#sequence)
  }

  #counted(state: ExportState): void {
    this.#drain.counted(state)
    const port = this.#ports.all().find(({ exportId }) => exportId === state.export)
    if (port) {
      port.counted(state, this.#now)
      if (port.isAnnounced) this.#tell('changed', port)
      return
    }
    // The backend's answer may be read after the first connection's count.
    if (this.#ports.isOpening() && this.#early.size < MAX_EARLY_STATES) {
      this.#early.set(state.export, state)
    }
  }

  #forgetEarly(): void {
    if (!this.#ports.isOpening()) this.#early.clear()
  }

  // The end.

  #stopAll(drain: boolean): void {
    if (this.#stop) {
      this.#stop.drain &&= drain
      if (!drain) this.#cut()
      return
    }
    this.#stop = { drain, isDone: false }
    for (const pending of this.#requests.filter(({ stage }) => stage !== 'waiting')) {
      this.#refuse(pending, STOPPED)
    }
    for (const port of this.#ports.all()) {
      this.#forgetAll(port, 'stopped', STOPPED)
      this.#follow(port)
    }
    if (!drain) this.#cut()
  }

  #cut(): void {
    for (const id of this.#drain.cut()) this.#effects.push({ type: 'reset', export: id })
  }

  #finishStop(): void {
    if (!this.#stop || this.#stop.isDone || this.#ports.size > 0 || !this.#drain.isDry) return
    this.#stop.isDone = true
    this.#effects.push({ type: 'stopped' })
  }

  // What is told.

  #refuse({ id, question }: PendingRequest, why: Refusal): void {
    this.#requests.refuse(id, question, why)
  }

  #tell(type: 'opened' | 'changed', port: PortExport): void {
    const exported = this.#snapshot(port)
    if (exported) this.#effects.push({ type, export: exported })
  }

  #snapshot(port: PortExport): Export | undefined {
    return port.snapshot((owner) => this.#owners.get(owner)?.pid)
  }
}

const STOPPED = refusal('unavailable', 'nothing is exported any more')
