import type { Credentials } from './credentials.ts'
import { utf8Encode } from './octets.ts'

/** More than a field of RFC 1929 can hold, so that all credentials take the same time. */
const BLOCK = 256

/**
 * Whether two secrets are the same, in a time that does not depend on where they differ: both are
 * padded to the next multiple of 256 bytes and every byte is looked at. JavaScript promises no
 * timing, so this is as good as the language gets; hash long-lived secrets first where
 * `node:crypto` is at hand.
 */
export function safeEqual(left: Uint8Array | string, right: Uint8Array | string): boolean {
  const [a, b] = [bytesOf(left), bytesOf(right)]
  const length = BLOCK * Math.max(1, Math.ceil(Math.max(a.length, b.length) / BLOCK))
  const paddedA = new Uint8Array(length)
  const paddedB = new Uint8Array(length)
  paddedA.set(a)
  paddedB.set(b)
  let difference = a.length ^ b.length
  for (let at = 0; at < length; at++) {
    difference |= (paddedA[at] as number) ^ (paddedB[at] as number)
  }
  return difference === 0
}

/** Compares both parts, always: how long it takes does not tell which was wrong. */
export function compareCredentials(given: Credentials, expected: Credentials): boolean {
  const username = safeEqual(given.username, expected.username)
  const password = safeEqual(given.password, expected.password)
  return Number(username) + Number(password) === 2
}

function bytesOf(text: Uint8Array | string): Uint8Array {
  if (typeof text !== 'string') return text
  // Text that is not well-formed cannot have come from the wire; UTF-16 keeps it distinct.
  return utf8Encode(text) ?? Uint8Array.from(utf16Of(text))
}

function* utf16Of(text: string): Generator<number> {
  // A byte that UTF-8 never has, so that no well-formed text has the same bytes.
  yield 0xff
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    yield unit >> 8
    yield unit & 255
  }
}
