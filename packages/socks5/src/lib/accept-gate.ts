/** Something that is served while others wait. */
export interface Waiting {
  destroy(): unknown
}

/**
 * Serves at most `max` at once, the others first come, first served. `net.Server` cannot be told
 * not to accept, so they wait here, unread: to a client that is a connection in the backlog.
 */
export class AcceptGate<T extends Waiting> {
  readonly #max: number
  readonly #serve: (client: T) => Promise<void>
  readonly #waiting: T[] = []
  #serving = 0

  constructor(max: number, serve: (client: T) => Promise<void>) {
    this.#max = max
    this.#serve = serve
  }

  get serving(): number {
    return this.#serving
  }

  get waiting(): number {
    return this.#waiting.length
  }

  add(client: T): void {
    this.#waiting.push(client)
    this.#admit()
  }

  /** Turns away all who wait. */
  clear(): void {
    for (const client of this.#waiting.splice(0)) client.destroy()
  }

  #admit(): void {
    while (this.#serving < this.#max) {
      const client = this.#waiting.shift()
      if (client === undefined) return
      this.#serving += 1
      const done = () => {
        this.#serving -= 1
        this.#admit()
      }
      this.#serve(client).then(done, done)
    }
  }
}
