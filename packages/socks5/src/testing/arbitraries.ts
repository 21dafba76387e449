import fc from 'fast-check'
import type { SocksAddress } from '../lib/address.ts'
import { Command } from '../lib/constants.ts'
import type { Credentials } from '../lib/credentials.ts'
import { formatIpv4 } from '../lib/ipv4.ts'
import { formatIpv6 } from '../lib/ipv6.ts'
import type { Request } from '../lib/request.ts'

export const octets = fc.integer({ min: 0, max: 255 })

const ports = fc.integer({ min: 0, max: 65_535 })

/** Zeros and 0xffff are likely, so that "::" and IPv4-mapped addresses turn up. */
export const ipv6Octets = fc
  .array(fc.oneof(fc.constantFrom([0, 0], [255, 255]), fc.tuple(octets, octets)), {
    minLength: 8,
    maxLength: 8,
  })
  .map((groups) => Uint8Array.from(groups.flat()))

export const ipv4Octets = fc.uint8Array({ minLength: 4, maxLength: 4 })

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length
}

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 255 }),
  fc.string({ unit: 'grapheme-ascii', minLength: 200, maxLength: 255 }),
)

const names = texts.filter((text) => {
  const length = utf8Length(text)
  return length >= 1 && length <= 255 && !text.includes('\0')
})

export const addresses: fc.Arbitrary<SocksAddress> = fc.oneof(
  fc.record({ type: fc.constant('ipv4' as const), host: ipv4Octets.map(formatIpv4), port: ports }),
  fc.record({ type: fc.constant('ipv6' as const), host: ipv6Octets.map(formatIpv6), port: ports }),
  fc.record({ type: fc.constant('domain' as const), host: names, port: ports }),
)

export const credentials: fc.Arbitrary<Credentials> = fc.record({
  username: texts.filter((text) => text !== '' && utf8Length(text) <= 255),
  password: texts.filter((text) => utf8Length(text) <= 255),
})

export const commands = fc.constantFrom(...(Object.keys(Command) as Command[]))

export const requests: fc.Arbitrary<Request> = fc.record({
  command: commands,
  destination: addresses,
})

/** `bytes` in pieces, some of them empty. */
export function splits(bytes: Uint8Array): fc.Arbitrary<Uint8Array[]> {
  return fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 12 }).map((cuts) => {
    const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length]
    return edges.slice(1).map((end, at) => bytes.subarray(edges[at], end))
  })
}
