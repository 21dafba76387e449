import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Decoded } from '../lib/decoded.ts'
import { Socks5Error } from '../lib/errors.ts'
import { concat } from '../lib/octets.ts'

/** What holds for each pair of encoder and decoder. */
export function testCodec<T>(
  name: string,
  messages: fc.Arbitrary<T>,
  encode: (message: T) => Uint8Array,
  decode: (bytes: Uint8Array) => Decoded<T>,
): void {
  describe(`codec of ${name}`, () => {
    test('decodes what it encoded and leaves what follows to the caller', () => {
      fc.assert(
        fc.property(messages, fc.uint8Array(), (message, rest) => {
          const bytes = encode(message)
          expect(decode(concat(bytes, rest))).toEqual({
            done: true,
            message,
            consumed: bytes.length,
          })
        }),
      )
    })

    test('asks for more on every proper prefix, never past the end of the message', () => {
      fc.assert(
        fc.property(messages, (message) => {
          const bytes = encode(message)
          for (let cut = 0; cut < bytes.length; cut++) {
            const decoded = decode(bytes.subarray(0, cut))
            if (decoded.done) throw new Error(`done after ${cut} of ${bytes.length} bytes`)
            expect(decoded.needed).toBeGreaterThanOrEqual(1)
            expect(cut + decoded.needed).toBeLessThanOrEqual(bytes.length)
          }
        }),
        { numRuns: 50 },
      )
    })

    test('gets by with one read for each change of length it asks for', () => {
      fc.assert(
        fc.property(messages, (message) => {
          const bytes = encode(message)
          let reads = 0
          for (let end = 0; end < bytes.length; reads++) {
            const decoded = decode(bytes.subarray(0, end))
            if (!decoded.done) end += decoded.needed
          }
          expect(reads).toBeLessThanOrEqual(3)
        }),
      )
    })

    test('of any bytes makes a message, a wish for more or a Socks5Error', () => {
      fc.assert(
        fc.property(fc.oneof(fc.uint8Array(), mutated(messages.map(encode))), (bytes) => {
          const before = bytes.slice()
          try {
            const decoded = decode(bytes)
            // What decodes, encodes: no message exists that could not be passed on.
            if (decoded.done) {
              const again = decode(encode(decoded.message))
              expect(again).toMatchObject({ done: true, message: decoded.message })
            }
          } catch (error) {
            if (!(error instanceof Socks5Error)) throw error
            expect(error.code).toMatch(/^ERR_SOCKS5_[A-Z_]+$/)
          }
          expect(bytes).toEqual(before)
        }),
        { numRuns: 500 },
      )
    })
  })
}

/** Bytes of a valid message with some of them changed, or cut. */
export function mutated(encoded: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 })
  return fc.tuple(encoded, changes, fc.option(fc.nat())).map(([bytes, changed, cut]) => {
    const copy = bytes.slice(0, cut === null ? bytes.length : cut % (bytes.length + 1))
    for (const [at, value] of changed) if (copy.length > 0) copy[at % copy.length] = value
    return copy
  })
}
