import type { Readable } from 'node:stream'
import { abortable } from './abortable.ts'
import { ClosedError } from './errors.ts'
import { concat } from './octets.ts'

/** Bytes. A client that sends more behind its request before the dial is through has to wait. */
export const INBOX_LIMIT = 65_536

/**
 * What a client has sent and nobody has taken yet. Unlike a paused socket it goes on reading, up
 * to a limit, because only a socket that is read tells that its client has left.
 */
export class Inbox {
  readonly #socket: Readable
  readonly #onEnd: () => void
  #chunks: Uint8Array[] = []
  #size = 0
  #ended = false
  #wake: () => void = () => {}

  constructor(socket: Readable, onEnd: () => void) {
    this.#socket = socket
    this.#onEnd = onEnd
    socket.on('data', this.#receive).on('end', this.#end).resume()
  }

  /** The client has sent its last byte, and all of them have been taken. */
  get exhausted(): boolean {
    return this.#ended && this.#size === 0
  }

  /** All there is, once there is any. @throws {ClosedError} at the end */
  async next(signal: AbortSignal): Promise<Uint8Array> {
    if (this.#size === 0 && !this.#ended) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      await abortable(woken, signal)
    }
    if (this.exhausted) throw new ClosedError('Client')
    // Paused if it was at its limit.
    this.#socket.resume()
    return this.#take()
  }

  /** Stops reading and gives up what it has: the socket is paused, the rest is still in it. */
  release(): Uint8Array {
    this.#socket.pause()
    this.#socket.off('data', this.#receive).off('end', this.#end)
    return this.#take()
  }

  #take(): Uint8Array {
    const bytes = concat(...this.#chunks)
    this.#chunks = []
    this.#size = 0
    return bytes
  }

  readonly #receive = (chunk: Uint8Array) => {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size >= INBOX_LIMIT) this.#socket.pause()
    this.#wake()
  }

  readonly #end = () => {
    this.#ended = true
    this.#wake()
    this.#onEnd()
  }
}
