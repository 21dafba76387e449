import { AUTHENTICATION_VERSION } from './constants.ts'
import type { Decoded } from './decoded.ts'
import { VersionError } from './errors.ts'
import { octet } from './octets.ts'

/** The server's answer to credentials (RFC 1929 section 2). */
export interface AuthenticationStatus {
  /** 0 is success. After anything else the server has to close the connection. */
  status: number
}

/** @throws {FieldError} for a status that is no octet */
export function encodeAuthenticationStatus({ status }: AuthenticationStatus): Uint8Array {
  return Uint8Array.of(AUTHENTICATION_VERSION, octet('status', status))
}

/** @throws {VersionError} as soon as the first byte is not 1 */
export function decodeAuthenticationStatus(bytes: Uint8Array): Decoded<AuthenticationStatus> {
  const [version, status] = bytes
  if (version !== undefined && version !== AUTHENTICATION_VERSION) {
    throw new VersionError(version, AUTHENTICATION_VERSION)
  }
  if (status === undefined) return { done: false, needed: 2 - bytes.length }
  return { done: true, message: { status }, consumed: 2 }
}
