import { FieldError } from './errors.ts'

export const EMPTY: Uint8Array = new Uint8Array(0)

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** @throws {FieldError} unless `value` is an integer of 0 to 255 */
export function octet(field: string, value: number): number {
  return inRange(field, value, 255)
}

/** Two octets in network order. @throws {FieldError} unless `value` is an integer of 0 to 65535 */
export function octetPair(field: string, value: number): [number, number] {
  inRange(field, value, 65_535)
  return [value >> 8, value & 255]
}

function inRange(field: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value
  throw new FieldError(field, value, max)
}

const encoder = new TextEncoder()
// ignoreBOM keeps a leading U+FEFF: what was encoded comes back the same.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** `undefined` for text that UTF-8 cannot carry, which is text with a lone surrogate. */
export function utf8Encode(text: string): Uint8Array | undefined {
  return /\p{Surrogate}/u.test(text) ? undefined : encoder.encode(text)
}

/** `undefined` for bytes that are not UTF-8. */
export function utf8Decode(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
