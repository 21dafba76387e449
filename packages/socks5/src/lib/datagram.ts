import { decodeAddress, encodeAddress, type SocksAddress } from './address.ts'
import type { Decoded } from './decoded.ts'
import { DatagramError, ReservedError } from './errors.ts'
import { concat, octet } from './octets.ts'

/** What goes before the payload of each UDP datagram (RFC 1928 section 7). */
export interface DatagramHeader {
  /**
   * FRAG: 0 stands alone, 1 to 127 is a fragment's position, and 128 is added to the last. A relay
   * that does not reassemble has to drop all but 0.
   */
  fragment: number
  /** To the relay: whom it is for. From the relay: whom it is from. */
  destination: SocksAddress
}

export interface Datagram extends DatagramHeader {
  data: Uint8Array
}

const HEADER_LENGTH = 3

/** @throws as `encodeAddress` does, and {FieldError} for a fragment that is no octet */
export function encodeDatagramHeader({ fragment, destination }: DatagramHeader): Uint8Array {
  return concat(Uint8Array.of(0, 0, octet('fragment', fragment)), encodeAddress(destination))
}

/**
 * @throws {ReservedError} if RSV is not zero
 * @throws {AddressTypeError | DomainNameError} as `decodeAddress` does
 */
export function decodeDatagramHeader(bytes: Uint8Array): Decoded<DatagramHeader> {
  const [first = 0, second = 0, fragment = 0] = bytes
  if (first !== 0 || second !== 0) throw new ReservedError()
  const address = decodeAddress(bytes.subarray(HEADER_LENGTH))
  if (!address.done) {
    const missing = Math.max(HEADER_LENGTH - bytes.length, 0)
    return { done: false, needed: missing + address.needed }
  }
  const message = { fragment, destination: address.message }
  return { done: true, message, consumed: HEADER_LENGTH + address.consumed }
}

/** @throws as `encodeDatagramHeader` does */
export function encodeDatagram({ data, ...header }: Datagram): Uint8Array {
  return concat(encodeDatagramHeader(header), data)
}

/**
 * A datagram comes whole or not at all, so there is no "more". `data` is a view of `bytes`.
 * @throws as `decodeDatagramHeader` does, and {DatagramError} if the header is cut short
 */
export function decodeDatagram(bytes: Uint8Array): Datagram {
  const header = decodeDatagramHeader(bytes)
  if (!header.done) throw new DatagramError(bytes.length)
  return { ...header.message, data: bytes.subarray(header.consumed) }
}
