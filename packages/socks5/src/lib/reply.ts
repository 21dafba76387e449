import { decodeAddress, encodeAddress, type SocksAddress } from './address.ts'
import { VERSION } from './constants.ts'
import type { Decoded } from './decoded.ts'
import { VersionError } from './errors.ts'
import { concat, octet } from './octets.ts'

/** RFC 1928 section 6. */
export interface Reply {
  /** REP: 0 is success, 1 to 8 are of the RFC, the rest is not assigned. */
  replyCode: number
  /** BND.ADDR and BND.PORT; for `resolve` and `resolve-ptr` the answer. */
  bound: SocksAddress
}

const HEADER_LENGTH = 3

/** @throws as `encodeAddress` does, and {FieldError} for a reply code that is no octet */
export function encodeReply({ replyCode, bound }: Reply): Uint8Array {
  return concat(encodeReplyPrefix(replyCode), encodeAddress(bound))
}

/**
 * A reply up to its address, for whom the bound address is written elsewhere.
 * @throws {FieldError} for a reply code that is no octet
 */
export function encodeReplyPrefix(replyCode: number): Uint8Array {
  return Uint8Array.of(VERSION, octet('reply code', replyCode), 0)
}

/**
 * RSV is not looked at: a client has nothing to gain from being strict with a server.
 * @throws {VersionError} as soon as the first byte is not 5
 * @throws {AddressTypeError | DomainNameError} as `decodeAddress` does
 */
export function decodeReply(bytes: Uint8Array): Decoded<Reply> {
  const [version, replyCode = 0] = bytes
  if (version !== undefined && version !== VERSION) throw new VersionError(version, VERSION)
  const address = decodeAddress(bytes.subarray(HEADER_LENGTH))
  if (!address.done) {
    const missing = Math.max(HEADER_LENGTH - bytes.length, 0)
    return { done: false, needed: missing + address.needed }
  }
  const message = { replyCode, bound: address.message }
  return { done: true, message, consumed: HEADER_LENGTH + address.consumed }
}
