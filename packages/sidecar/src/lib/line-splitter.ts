import { MAX_MESSAGE_BYTES } from './envelope.ts'
import { MessageTooLongError } from './errors.ts'

const NEWLINE = 0x0a

/** Cuts a byte stream into lines, whatever its fragmentation, and keeps no more than one message. */
export class LineSplitter {
  #parts: Buffer[] = []
  #length = 0
  readonly #limit: number

  constructor(limit: number = MAX_MESSAGE_BYTES) {
    this.#limit = limit
  }

  /**
   * The lines that `chunk` completes, without their newlines.
   *
   * @throws {MessageTooLongError} when a line, newline included, is longer than the limit
   */
  *push(chunk: Buffer): Generator<string, void, undefined> {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start)
      const part = chunk.subarray(start, end === -1 ? chunk.length : end)
      this.#length += part.length
      if (this.#length >= this.#limit) throw new MessageTooLongError(this.#limit)
      if (end === -1) {
        if (part.length > 0) this.#parts.push(part)
        return
      }
      const line = this.#parts.length === 0 ? part : Buffer.concat([...this.#parts, part])
      this.#parts = []
      this.#length = 0
      start = end + 1
      yield line.toString('utf8')
    }
  }
}
