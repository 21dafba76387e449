import type { Claim } from './claim.ts'
import { type Listener, listenerKey } from './listener.ts'

/** A question to the kernel, and who waits for its answer. */
export interface Check {
  /** By key. `touched` is the claim's at the time; none when a request has not become one yet. */
  readonly sockets: Map<string, { readonly listener: Listener; readonly touched: number }>
  /** Requests that came later are not meant by the answer. */
  readonly sequence: number
  /** Closes that are answered then. */
  readonly closes: number[]
  /** Requests that are looked at again then. */
  readonly requests: number[]
}

/** Has one question under way, and gathers all others into the next: a flood asks no more often. */
export class KernelChecks {
  #current: Check | undefined
  #next: Check | undefined

  /** What is to be asked now, once. */
  start(): Check | undefined {
    if (this.#current || !this.#next) return undefined
    this.#current = this.#next
    this.#next = undefined
    return this.#current
  }

  /** @returns what was asked */
  answered(): Check | undefined {
    const check = this.#current
    this.#current = undefined
    return check
  }

  ask(claims: Iterable<Claim>, sequence: number): Check {
    const check = this.#nextAt(sequence)
    for (const { key, listener, touched } of claims) check.sockets.set(key, { listener, touched })
    return check
  }

  /** Asks about what has not become a claim yet. */
  askOf(listener: Listener, sequence: number): Check {
    const check = this.#nextAt(sequence)
    const key = listenerKey(listener)
    if (!check.sockets.has(key)) check.sockets.set(key, { listener, touched: 0 })
    return check
  }

  #nextAt(sequence: number): Check {
    this.#next = {
      sockets: this.#next?.sockets ?? new Map(),
      closes: this.#next?.closes ?? [],
      requests: this.#next?.requests ?? [],
      sequence,
    }
    return this.#next
  }
}
