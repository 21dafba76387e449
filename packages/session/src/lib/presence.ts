/** Who uses a session: it may leave some time after the last one has. */
export class Presence {
  readonly #timeout: number
  readonly #onIdle: () => void
  #users = 0
  #isPinned = false
  #timer: NodeJS.Timeout | undefined
  #idleAt: number | undefined

  /** @param timeout milliseconds without anybody until `onIdle` is called; 0 is never */
  constructor(timeout: number, onIdle: () => void) {
    this.#timeout = timeout
    this.#onIdle = onIdle
    this.#look()
  }

  get isPinned(): boolean {
    return this.#isPinned
  }

  /** Milliseconds since the epoch at which it is idle, if nobody comes. */
  get idleAt(): number | undefined {
    return this.#idleAt
  }

  /** @returns what says that this user has gone; to be called once, further calls do nothing */
  enter(): () => void {
    this.#users += 1
    this.#look()
    let isHere = true
    return () => {
      if (!isHere) return
      isHere = false
      this.#users -= 1
      this.#look()
    }
  }

  pin(isPinned: boolean): void {
    this.#isPinned = isPinned
    this.#look()
  }

  /** Somebody is there after all: the time runs anew. */
  postpone(): void {
    this.#stop()
    this.#look()
  }

  close(): void {
    this.#stop()
    this.#users = Number.POSITIVE_INFINITY
  }

  #look(): void {
    if (this.#users > 0 || this.#isPinned || this.#timeout === 0) {
      this.#stop()
      return
    }
    if (this.#timer) return
    this.#idleAt = Date.now() + this.#timeout
    this.#timer = setTimeout(() => {
      this.#stop()
      this.#onIdle()
    }, this.#timeout)
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#idleAt = undefined
  }
}
