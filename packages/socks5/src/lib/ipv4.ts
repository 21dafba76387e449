import { AddressError } from './errors.ts'

// No leading zeros: inet_aton(3) would read 010 as eight, and two readings are a hole in a filter.
const DECIMAL_OCTET = /^(?:0|[1-9][0-9]{0,2})$/

/** The four octets of a dotted quad. @throws {AddressError} for any other spelling */
export function parseIpv4(text: string): Uint8Array {
  const octets = ipv4Octets(text)
  if (octets === undefined) throw new AddressError(text, 'an IPv4 address such as 192.0.2.1')
  return octets
}

/** As `parseIpv4`, but `undefined` for what is not a dotted quad. */
export function ipv4Octets(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  if (!parts.every((part) => DECIMAL_OCTET.test(part) && Number(part) <= 255)) return undefined
  return Uint8Array.from(parts, Number)
}

/** A dotted quad. @throws {AddressError} unless there are four octets */
export function formatIpv4(octets: Uint8Array): string {
  if (octets.length !== 4) throw new AddressError(octets.join('.'), 'four octets')
  return octets.join('.')
}
