/** So many of a kind are told one after another, and then one more for each minute that has passed. */
const AT_ONCE = 32
const MINUTE = 60_000

interface Allowance {
  left: number
  /** When there was so much. */
  at: number
}

/** Tells what goes wrong, of each kind no more than a log can bear: whoever repeats themselves is not to fill the disk. */
export class Complaints {
  readonly #say: (complaint: string) => void
  readonly #now: () => number
  readonly #allowances = new Map<string, Allowance>()

  constructor(say: (complaint: string) => void, now: () => number = Date.now) {
    this.#say = say
    this.#now = now
  }

  tell(kind: string, complaint: string): void {
    const now = this.#now()
    const { left, at } = this.#allowances.get(kind) ?? { left: AT_ONCE, at: now }
    const grown = Math.min(AT_ONCE, left + (now - at) / MINUTE)
    if (grown < 1) return
    this.#allowances.set(kind, { left: grown - 1, at: now })
    const isLast = grown < 2
    this.#say(
      isLast
        ? `${complaint} (more of this kind are only counted for a while: tailproxy status)`
        : complaint,
    )
  }
}
