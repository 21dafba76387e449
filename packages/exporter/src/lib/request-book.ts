import { BY_HAND, type Claim, claimKey } from './claim.ts'
import { type Listener, listenerKey } from './listener.ts'
import { type Outcome, type Refusal, refusal } from './outcome.ts'
import type { PendingRequest } from './pending-request.ts'
import { type PortKey, portKey } from './port-key.ts'
import type { TableEffect } from './table-messages.ts'
import type { ExportQuestion } from './verdict.ts'

/** Nobody wants it any more: this is told to whoever still waits, and is no refusal. */
export const WITHDRAWN = refusal('unavailable', 'the listener was closed before it was exported')

/** The requests that have not been answered, and how they are. */
export class RequestBook {
  readonly #pending = new Map<number, PendingRequest>()
  #effects: TableEffect[] = []

  /** Answers go there from now on. */
  writeTo(effects: TableEffect[]): void {
    this.#effects = effects
  }

  add(pending: PendingRequest): void {
    this.#pending.set(pending.id, pending)
  }

  get(id: number): PendingRequest | undefined {
    return this.#pending.get(id)
  }

  /** It gets no answer. @returns what it was */
  take(id: number): PendingRequest | undefined {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    return pending
  }

  filter(isMeant: (pending: PendingRequest) => boolean): PendingRequest[] {
    return [...this.#pending.values()].filter(isMeant)
  }

  /** Those about the listener, of whichever owner, that have not become a claim. */
  early(listener: Listener): PendingRequest[] {
    const key = listenerKey(listener)
    return this.filter((each) => each.stage !== 'waiting' && listenerKey(each.listener) === key)
  }

  earlyByHand(key: PortKey): PendingRequest[] {
    return this.filter(
      ({ owner, stage, listener }) =>
        owner === BY_HAND && stage !== 'waiting' && portKey(listener) === key,
    )
  }

  /** Those that have become this claim. */
  waitingFor({ key }: Claim): PendingRequest[] {
    return this.filter(
      ({ stage, listener, owner }) => stage === 'waiting' && claimKey(listener, owner) === key,
    )
  }

  waitingAt(key: PortKey): PendingRequest[] {
    return this.filter(({ stage, listener }) => stage === 'waiting' && portKey(listener) === key)
  }

  settle(id: number, outcome: Outcome): void {
    this.#pending.delete(id)
    this.#effects.push({ type: 'settled', request: id, outcome })
  }

  refuse(id: number, question: ExportQuestion, why: Refusal): void {
    this.settle(id, why)
    if (why !== WITHDRAWN) this.#effects.push({ type: 'refused', question, refusal: why })
  }

  done(id: number, found = true): void {
    this.#effects.push({ type: 'done', request: id, found })
  }
}
