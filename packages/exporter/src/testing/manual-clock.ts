import type { Clock } from '../lib/clock.ts'

/** A clock that goes when it is told to. */
export class ManualClock implements Clock {
  #now = 0
  readonly #timers = new Set<{ at: number; callback: () => void }>()

  get timers(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#now
  }

  setTimeout(callback: () => void, milliseconds: number): unknown {
    const timer = { at: this.#now + milliseconds, callback }
    this.#timers.add(timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as { at: number; callback: () => void })
  }

  /** Goes on from timer to timer, and lets what each sets off run before the next. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds
    for (;;) {
      await flush()
      const [next] = [...this.#timers].sort((one, other) => one.at - other.at)
      if (!next || next.at > end) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.callback()
    }
    this.#now = end
  }
}

/** Lets promises that are settled already be followed up, to the last. */
export function flush(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
