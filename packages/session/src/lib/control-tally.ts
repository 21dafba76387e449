/** What of control sockets came to nothing, since a session began. */
export interface ControlCounts {
  /** Listeners that were not exported. */
  unexported: number
  /** Lines that are none of the protocol. */
  malformed: number
  /** Connections of other users. */
  refused: number
  /** Connections that did not read what they were answered. */
  cut: number
  /** Connections beyond the most there may be. */
  dropped: number
}

/** So many of a kind are told in words: a client that repeats itself is not to fill the disk. */
const TOLD = 32

/** Counts what control sockets turned away, and says of the first of each kind what it was. */
export class ControlTally {
  readonly #say: (complaint: string) => void
  readonly #counts = { unexported: 0, malformed: 0, refused: 0, cut: 0, dropped: 0 }
  #last: string | undefined

  constructor(say: (complaint: string) => void) {
    this.#say = say
  }

  get counts(): ControlCounts {
    return { ...this.#counts }
  }

  /** What was said last, even where it was counted only. */
  get last(): string | undefined {
    return this.#last
  }

  add(kind: keyof ControlCounts, complaint: string): void {
    this.#counts[kind] += 1
    this.#last = complaint
    if (this.#counts[kind] > TOLD) return
    const isLast = this.#counts[kind] === TOLD
    this.#say(
      isLast
        ? `${complaint} (further ones like it are only counted, in tailproxy status)`
        : complaint,
    )
  }
}
