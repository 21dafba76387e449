import type { Complaints } from './complaints.ts'

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

/** Counts what control sockets turned away, and tells of it. */
export class ControlTally {
  readonly #complaints: Complaints
  readonly #counts = { unexported: 0, malformed: 0, refused: 0, cut: 0, dropped: 0 }
  #last: string | undefined

  constructor(complaints: Complaints) {
    this.#complaints = complaints
  }

  get counts(): ControlCounts {
    return { ...this.#counts }
  }

  /** What there was to tell last, even where it was counted only. */
  get last(): string | undefined {
    return this.#last
  }

  add(kind: keyof ControlCounts, complaint: string): void {
    this.#counts[kind] += 1
    this.#last = complaint
    this.#complaints.tell(kind, complaint)
  }
}
