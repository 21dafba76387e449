import { setTimeout as delay } from 'node:timers/promises'
import type { Sidecar } from '@tailproxy/sidecar'
import { EventEmitter } from 'eventemitter3'
import { SessionEndedError } from './errors.ts'

/** Milliseconds before the first new start, doubled by each that fails. */
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 30_000
/** Milliseconds up, after which a death is not one of a series. */
const STEADY = 60_000

export interface KeeperEvents {
  /** The sidecar died, or could not be started anew; another start follows. */
  down: (reason: Error) => void
  /** A new one is there and serves all that the one before served. */
  up: () => void
}

/** Brings a sidecar to where it serves what the session wants served. It stops it when that fails. */
export type BringUp = (signal: AbortSignal) => Promise<Sidecar>

/**
 * Keeps a sidecar running: one that dies is started anew, at once and then less and less often.
 * The first start is the caller's, errors and all.
 */
export class SidecarKeeper extends EventEmitter<KeeperEvents> {
  readonly #bringUp: BringUp
  readonly #closing = new AbortController()
  #current: Sidecar | undefined
  #recovery: Promise<void> | undefined
  #why: Error | undefined
  #startedAt = 0
  #pause = FIRST_PAUSE

  private constructor(bringUp: BringUp) {
    super()
    this.#bringUp = bringUp
  }

  static async open(bringUp: BringUp, signal?: AbortSignal): Promise<SidecarKeeper> {
    const keeper = new SidecarKeeper(bringUp)
    const first = keeper.#closing.signal
    keeper.#keep(await bringUp(signal ? AbortSignal.any([signal, first]) : first))
    return keeper
  }

  /** The sidecar, or nothing while there is none that serves. */
  get current(): Sidecar | undefined {
    return this.#current
  }

  /** Why there is none now. */
  get downReason(): Error | undefined {
    return this.#current ? undefined : this.#why
  }

  /**
   * The sidecar, as soon as there is one.
   *
   * @throws {SessionEndedError} when the keeper is closed before
   */
  async up(): Promise<Sidecar> {
    const { signal } = this.#closing
    while (!this.#current) {
      signal.throwIfAborted()
      await new Promise<void>((resolve) => {
        const done = () => {
          this.off('up', done)
          signal.removeEventListener('abort', done)
          resolve()
        }
        this.on('up', done)
        signal.addEventListener('abort', done)
      })
    }
    return this.#current
  }

  /** Stops the sidecar, for good. Safe to call twice. */
  async close(): Promise<void> {
    this.#closing.abort(new SessionEndedError())
    // A start that is under way may be past what an abort ends.
    await this.#recovery
    await this.#current?.stop()
  }

  #keep(sidecar: Sidecar): void {
    this.#current = sidecar
    this.#startedAt = performance.now()
    void sidecar.ended.then((reason) => {
      this.#current = undefined
      this.#recovery = this.#recover(reason)
    })
  }

  async #recover(death: Error): Promise<void> {
    const { signal } = this.#closing
    if (signal.aborted) return
    if (performance.now() - this.#startedAt > STEADY) this.#pause = FIRST_PAUSE
    let reason = death
    while (!signal.aborted) {
      this.#why = reason
      this.emit('down', reason)
      try {
        await delay(this.#pause, undefined, { signal })
        this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE)
        this.#keep(await this.#bringUp(signal))
        if (!signal.aborted) this.emit('up')
        return
      } catch (error) {
        reason = error as Error
      }
    }
  }
}
