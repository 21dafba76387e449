/** The longest line, its newline included. */
export const MAX_LINE_BYTES = 512

const NEWLINE = 0x0a

/**
 * Cuts bytes into lines. Holds one line at the most: what is longer is told of as soon as it is
 * known to be, and skipped to its newline.
 */
export class LineSplitter {
  readonly #held = new Uint8Array(MAX_LINE_BYTES)
  #length = 0
  #skipping = false

  /** Calls back for each line, without its newline; `tooLong` gets the start of a longer one. */
  push(
    bytes: Uint8Array,
    onLine: (line: Uint8Array) => void,
    onTooLong: (start: Uint8Array) => void,
  ): void {
    for (const byte of bytes) {
      if (byte === NEWLINE) {
        if (!this.#skipping) onLine(this.#held.slice(0, this.#length))
        this.#skipping = false
        this.#length = 0
      } else if (!this.#skipping) {
        this.#held[this.#length++] = byte
        // Not even a newline would fit now.
        if (this.#length === MAX_LINE_BYTES) {
          this.#skipping = true
          onTooLong(this.#held.slice())
        }
      }
    }
  }
}
