import type { Decoded } from './decoded.ts'
import { AddressError, AddressTypeError, DomainNameError } from './errors.ts'
import { formatIpv4, ipv4Octets, parseIpv4 } from './ipv4.ts'
import { formatIpv6, ipv6Octets, parseIpv6 } from './ipv6.ts'
import { concat, octetPair, utf8Decode, utf8Encode } from './octets.ts'

/** Address and port of RFC 1928 section 5. */
export interface SocksAddress {
  type: 'ipv4' | 'ipv6' | 'domain'
  /** A dotted quad, an IPv6 address as in RFC 5952 without brackets, or a name as it was sent. */
  host: string
  port: number
}

const AddressType = { ipv4: 1, domain: 3, ipv6: 4 } as const
const IPV4_LENGTH = 4
const IPV6_LENGTH = 16
const PORT_LENGTH = 2

/** What RFC 1928 servers answer where there is no address to tell. */
export const UNSPECIFIED: SocksAddress = Object.freeze({ type: 'ipv4', host: '0.0.0.0', port: 0 })

/**
 * Tells an address from a name: a dotted quad is `ipv4`, an IPv6 address is `ipv6` (in its RFC 5952
 * spelling), all else is `domain` as it stands. `127.1` is such a name, although inet_aton(3) and
 * so many a resolver takes it for an address: rules have to look at what a name resolved to.
 * @throws {AddressError} for text with a colon that is no IPv6 address, brackets and zones included
 */
export function toSocksAddress(host: string, port: number): SocksAddress {
  const literal = literalAddress(host, port)
  if (literal !== undefined) return literal
  if (host.includes(':')) throw new AddressError(host, 'an IPv6 address or a name')
  return { type: 'domain', host, port }
}

/**
 * The address itself where a client sent one in the clothes of a name (type 3, "127.0.0.1"), which
 * RFC 1928 does not forbid. Without this, a rule about addresses is walked around.
 */
export function normalizeSocksAddress(address: SocksAddress): SocksAddress {
  if (address.type !== 'domain') return address
  return literalAddress(address.host, address.port) ?? address
}

function literalAddress(host: string, port: number): SocksAddress | undefined {
  if (ipv4Octets(host) !== undefined) return { type: 'ipv4', host, port }
  const octets = ipv6Octets(host)
  return octets && { type: 'ipv6', host: formatIpv6(octets), port }
}

/** `host:port` for people, IPv6 in brackets. */
export function formatSocksAddress({ type, host, port }: SocksAddress): string {
  return type === 'ipv6' ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * ATYP, address and port.
 * @throws {AddressError} for an `ipv4` or `ipv6` host that is none
 * @throws {DomainNameError} for a name of no or of over 255 bytes, with NUL or not encodable
 * @throws {FieldError} for a port out of range
 */
export function encodeAddress({ type, host, port }: SocksAddress): Uint8Array {
  const encodedPort = Uint8Array.from(octetPair('port', port))
  switch (type) {
    case 'ipv4':
      return concat(Uint8Array.of(AddressType.ipv4), parseIpv4(host), encodedPort)
    case 'ipv6':
      return concat(Uint8Array.of(AddressType.ipv6), parseIpv6(host), encodedPort)
    case 'domain': {
      const name = utf8Encode(host)
      if (name === undefined) throw new DomainNameError('has a lone surrogate')
      assertDomainName(name)
      return concat(Uint8Array.of(AddressType.domain, name.length), name, encodedPort)
    }
    default:
      throw new AddressTypeError(String(type satisfies never))
  }
}

/**
 * Reads ATYP, address and port.
 * @throws {AddressTypeError} for a type that RFC 1928 does not define, whose length is unknowable
 * @throws {DomainNameError} for an empty name, or one with NUL or bytes that are not UTF-8
 */
export function decodeAddress(bytes: Uint8Array): Decoded<SocksAddress> {
  const [addressType, first] = bytes
  if (addressType === undefined) return { done: false, needed: 2 }
  const host = hostLayout(addressType, first)
  if (host === undefined) return { done: false, needed: 1 }
  const portAt = host.start + host.length
  const consumed = portAt + PORT_LENGTH
  if (bytes.length < consumed) return { done: false, needed: consumed - bytes.length }
  const port = ((bytes[portAt] ?? 0) << 8) | (bytes[portAt + 1] ?? 0)
  const message = { ...host.read(bytes.subarray(host.start, portAt)), port }
  return { done: true, message, consumed }
}

interface HostLayout {
  start: number
  length: number
  read(octets: Uint8Array): Pick<SocksAddress, 'type' | 'host'>
}

/** `undefined` when a domain's length has not arrived yet. */
function hostLayout(addressType: number, first: number | undefined): HostLayout | undefined {
  switch (addressType) {
    case AddressType.ipv4:
      return { start: 1, length: IPV4_LENGTH, read: readIpv4 }
    case AddressType.ipv6:
      return { start: 1, length: IPV6_LENGTH, read: readIpv6 }
    case AddressType.domain:
      return first === undefined ? undefined : { start: 2, length: first, read: readDomain }
    default:
      throw new AddressTypeError(addressType)
  }
}

function readIpv4(octets: Uint8Array): Pick<SocksAddress, 'type' | 'host'> {
  return { type: 'ipv4', host: formatIpv4(octets) }
}

function readIpv6(octets: Uint8Array): Pick<SocksAddress, 'type' | 'host'> {
  return { type: 'ipv6', host: formatIpv6(octets) }
}

function readDomain(octets: Uint8Array): Pick<SocksAddress, 'type' | 'host'> {
  assertDomainName(octets)
  const host = utf8Decode(octets)
  if (host === undefined) throw new DomainNameError('is not UTF-8')
  return { type: 'domain', host }
}

function assertDomainName(name: Uint8Array): void {
  if (name.length === 0) throw new DomainNameError('is empty')
  if (name.length > 255) throw new DomainNameError(`has ${name.length} bytes`)
  // A resolver in C stops at NUL: a rule would judge another name than the one looked up.
  if (name.includes(0)) throw new DomainNameError('has a NUL')
}
