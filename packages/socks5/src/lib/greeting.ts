import { VERSION } from './constants.ts'
import type { Decoded } from './decoded.ts'
import { FieldError, VersionError } from './errors.ts'
import { octet } from './octets.ts'

/** The client's first message (RFC 1928 section 3). */
export interface Greeting {
  /** Methods it can authenticate by, 0 to 255 of them, any order. */
  methods: number[]
}

/** @throws {FieldError} for over 255 methods, or one that is no octet */
export function encodeGreeting({ methods }: Greeting): Uint8Array {
  if (methods.length > 255) throw new FieldError('number of methods', methods.length, 255)
  return Uint8Array.of(VERSION, methods.length, ...methods.map((method) => octet('method', method)))
}

/** @throws {VersionError} as soon as the first byte is not 5 */
export function decodeGreeting(bytes: Uint8Array): Decoded<Greeting> {
  const [version, count] = bytes
  if (version !== undefined && version !== VERSION) throw new VersionError(version, VERSION)
  if (count === undefined) return { done: false, needed: 2 - bytes.length }
  const end = 2 + count
  if (bytes.length < end) return { done: false, needed: end - bytes.length }
  return { done: true, message: { methods: [...bytes.subarray(2, end)] }, consumed: end }
}
