import { expect } from 'vitest'
import type { ExportCall, ExportResult, SocketName } from '../lib/export.ts'
import { ExportTable, type ExportTableOptions } from '../lib/export-table.ts'
import { type Outcome, refusal } from '../lib/outcome.ts'
import { type PortKey, portKey, portText } from '../lib/port-key.ts'
import type { TableEffect, TableInput } from '../lib/table-messages.ts'
import type { ExportVerdict } from '../lib/verdict.ts'

/** What the table waits for. */
export type Question =
  | (TableEffect & { type: 'decide' | 'export' | 'retarget' | 'unexport' })
  | { readonly type: 'check'; readonly listening: boolean[] }

/** Nobody may export it. */
export const DENIED_PORT = 22
/** It is another's on the tailnet. */
export const BUSY_PORT = 443

export const HARNESS_OPTIONS: ExportTableOptions = {
  maxExports: 2,
  loopback: false,
  idleTimeout: 0,
  handoverTimeout: 2_000,
  sweepInterval: 2_000,
}

/**
 * A table, and a world that answers it: at once, or (`isLate`) when it is told to and in any order.
 * It checks what has to hold whatever happens.
 */
export class TableHarness {
  readonly table: ExportTable
  readonly isLate: boolean
  readonly questions: Question[] = []
  /** What the tailnet can reach, by the backend's number. */
  readonly open = new Map<number, ExportCall>()
  readonly dead = new Set<bigint>()
  readonly outcomes = new Map<number, Outcome>()
  readonly done = new Map<number, boolean>()
  /** `opened 80`, `closed 80 idle` and so on. */
  readonly told: string[] = []
  isStopped = false
  now = 0
  #lastId = 0
  #lastExport = 0
  readonly #announced = new Set<PortKey>()

  constructor(options: Partial<ExportTableOptions> = {}, isLate = false) {
    this.table = new ExportTable({ ...HARNESS_OPTIONS, ...options })
    this.isLate = isLate
  }

  nextId(): number {
    return ++this.#lastId
  }

  apply(input: TableInput): void {
    for (const effect of this.table.apply(input, this.now)) this.#take(effect)
    if (this.isLate) return
    while (this.questions.length > 0) this.answer(0)
  }

  #take(effect: TableEffect): void {
    switch (effect.type) {
      case 'decide':
      case 'export':
      case 'retarget':
      case 'unexport':
        if (effect.type !== 'decide') this.#expectNoOtherCall(effect.key)
        this.questions.push(effect)
        break
      case 'check':
        expect(this.questions.filter(({ type }) => type === 'check')).toEqual([])
        expect(effect.sockets.length).toBeGreaterThan(0)
        this.questions.push({ type: 'check', listening: this.#listening(effect.sockets) })
        break
      case 'settled':
        expect(this.outcomes.has(effect.request)).toBe(false)
        this.outcomes.set(effect.request, effect.outcome)
        break
      case 'done':
        expect(this.done.has(effect.request)).toBe(false)
        this.done.set(effect.request, effect.found)
        break
      case 'opened':
        expect(this.#announced.has(portKey(effect.export))).toBe(false)
        this.#announced.add(portKey(effect.export))
        this.told.push(`opened ${portText(effect.export)}`)
        break
      case 'closed':
        expect(this.#announced.delete(portKey(effect.export))).toBe(true)
        this.told.push(`closed ${portText(effect.export)} ${effect.reason}`)
        break
      case 'refused':
        this.told.push(`refused ${portText(effect.question)} ${effect.refusal.code}`)
        break
      case 'reset':
        this.told.push(`reset ${effect.export}`)
        break
      case 'stopped':
        this.isStopped = true
    }
  }

  #expectNoOtherCall(key: PortKey): void {
    const others = this.questions.filter((each) => 'key' in each && each.key === key)
    expect(others).toEqual([])
  }

  #listening(sockets: readonly SocketName[]): boolean[] {
    for (const { cookie } of sockets) expect(cookie).not.toBe(0n)
    return sockets.map(({ cookie }) => !this.dead.has(cookie))
  }

  /** Answers one of the questions, if there is one. */
  answer(at: number, isFailure = false): void {
    const [question] = this.questions.splice(at % Math.max(this.questions.length, 1), 1)
    if (question) this.#answer(question, isFailure)
  }

  #answer(question: Question, isFailure: boolean): void {
    if (question.type === 'check') {
      this.apply({ type: 'checked', listening: isFailure ? undefined : question.listening })
    } else if (question.type === 'decide') {
      const { request } = question
      this.apply({ type: 'decided', request, verdict: verdictOn(question.question.port) })
    } else if (isFailure || (question.type === 'export' && isBusy(question.key))) {
      // A failed unexport is of an export that the backend does not have.
      if (question.type === 'unexport') this.open.delete(question.export)
      const code = isBusy(question.key) ? 'taken' : 'unavailable'
      this.apply({ type: 'failed', key: question.key, refusal: refusal(code, 'no') })
    } else {
      this.apply({ type: 'called', key: question.key, result: this.#carryOut(question) })
    }
  }

  #carryOut(question: Question): ExportResult | undefined {
    if (question.type === 'export') {
      const { port } = question.call
      expect([...this.open.values()].map(portKey)).not.toContain(question.key)
      const id = ++this.#lastExport
      this.open.set(id, question.call)
      return { export: id, addresses: [`100.64.0.1:${port}`] }
    }
    if (question.type === 'unexport') this.open.delete(question.export)
    if (question.type === 'retarget') {
      const call = this.open.get(question.export)
      expect(call).toBeDefined()
      if (call) this.open.set(question.export, { ...call, targets: question.targets })
    }
    return undefined
  }

  /** Answers everything, and what comes of that, in the order in which it was asked. */
  settle(): void {
    while (this.questions.length > 0) this.answer(0)
  }

  /** Goes on in time; whatever is asked by the way is answered at once if this is not late. */
  advance(milliseconds: number): void {
    const end = this.now + milliseconds
    for (let at = this.table.wakeAt(); at !== undefined && at <= end; at = this.table.wakeAt()) {
      // What was due while nobody ticked is due now.
      this.now = Math.max(this.now, at)
      this.apply({ type: 'tick' })
      expect(this.table.wakeAt() ?? Number.POSITIVE_INFINITY).toBeGreaterThan(this.now)
    }
    this.now = end
  }

  /** `80 127.0.0.1:80 [::1]:80` or `53/udp 127.0.0.1:53`, in the order of the ports. */
  exported(): string[] {
    return this.table.exports().map((each) => [portText(each), ...each.targets].join(' '))
  }

  /** The same, as the tailnet has it. */
  reachable(): string[] {
    return [...this.open.values()]
      .sort((one, other) => one.port - other.port || (one.network < other.network ? -1 : 1))
      .map((each) => [portText(each), ...each.targets].join(' '))
  }
}

function isBusy(key: PortKey): boolean {
  return key.startsWith(`${BUSY_PORT}/`)
}

function verdictOn(port: number): ExportVerdict | undefined {
  return port === DENIED_PORT ? { verdict: 'deny', reason: 'it is ours' } : undefined
}
