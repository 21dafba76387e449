import { VERSION } from './constants.ts'
import type { Decoded } from './decoded.ts'
import { VersionError } from './errors.ts'
import { octet } from './octets.ts'

/** The server's answer to a greeting (RFC 1928 section 3). */
export interface MethodSelection {
  /** One of the offered methods, or 0xff: none of them will do. */
  method: number
}

/** @throws {FieldError} for a method that is no octet */
export function encodeMethodSelection({ method }: MethodSelection): Uint8Array {
  return Uint8Array.of(VERSION, octet('method', method))
}

/** @throws {VersionError} as soon as the first byte is not 5 */
export function decodeMethodSelection(bytes: Uint8Array): Decoded<MethodSelection> {
  const [version, method] = bytes
  if (version !== undefined && version !== VERSION) throw new VersionError(version, VERSION)
  if (method === undefined) return { done: false, needed: 2 - bytes.length }
  return { done: true, message: { method }, consumed: 2 }
}
