import type { Duplex } from 'node:stream'
import { ClosedError } from './errors.ts'

/**
 * Reads a stream by exact numbers of bytes, so that what follows stays in it for its next reader.
 * After `release()` the stream is as it was: not flowing, with no listener of this.
 */
export class ExactReader {
  readonly #stream: Duplex
  readonly #signal: AbortSignal
  #wake: () => void = () => {}
  #failure: { error: unknown } | undefined

  constructor(stream: Duplex, signal: AbortSignal) {
    this.#stream = stream
    this.#signal = signal
    if (stream.destroyed || stream.readableEnded) this.#closed()
    if (signal.aborted) this.#aborted()
    stream.on('readable', this.#readable).on('error', this.#broken)
    stream.on('end', this.#closed).on('close', this.#closed)
    signal.addEventListener('abort', this.#aborted)
  }

  /**
   * `length` bytes, or the last ones if the stream ends before.
   * @throws {ClosedError} at the end or when the stream breaks, the signal's reason
   */
  async read(length: number): Promise<Uint8Array> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      const bytes: Uint8Array | null = this.#stream.read(length)
      if (bytes !== null) return bytes
      await woken
    }
  }

  release(): void {
    const stream = this.#stream
    stream.off('readable', this.#readable).off('error', this.#broken)
    stream.off('end', this.#closed).off('close', this.#closed)
    this.#signal.removeEventListener('abort', this.#aborted)
  }

  readonly #readable = () => this.#wake()

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake()
  }

  readonly #broken = (cause: unknown) => this.#fail(new ClosedError('Proxy', { cause }))

  readonly #closed = () => this.#fail(new ClosedError('Proxy'))

  readonly #aborted = () => this.#fail(this.#signal.reason)
}
