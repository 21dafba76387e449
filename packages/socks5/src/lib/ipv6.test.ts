import { isIPv6, SocketAddress } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ipv6Octets } from '../testing/arbitraries.ts'
import { formatIpv6, parseIpv6 } from './ipv6.ts'

test('parses what it formatted', () => {
  fc.assert(
    fc.property(ipv6Octets, (octets) => {
      expect(parseIpv6(formatIpv6(octets))).toEqual(octets)
    }),
  )
})

test('formats as URL does, whose serializer is that of RFC 5952 but for IPv4-mapped ones', () => {
  const plain = ipv6Octets.filter((octets) => !formatIpv6(octets).includes('.'))
  fc.assert(
    fc.property(plain, (octets) => {
      const text = formatIpv6(octets)
      expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`)
    }),
  )
})

test('agrees with net.isIPv6 on what an address is', () => {
  const texts = fc.oneof(fc.ipV6(), fc.stringMatching(/^[0-9a-fA-F:.]{0,42}$/))
  fc.assert(
    fc.property(texts, (text) => {
      expect(accepts(text)).toBe(isIPv6(text))
    }),
    { numRuns: 1000 },
  )
})

test('reads any spelling as the operating system does', () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const { address } = new SocketAddress({ family: 'ipv6', address: text })
      expect(formatIpv6(parseIpv6(text))).toBe(formatIpv6(parseIpv6(address)))
    }),
  )
})

// RFC 5952 section 4 and 5, and the traps around them.
test.for([
  ['2001:0db8::0001', '2001:db8::1'],
  ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:DB8::A', '2001:db8::a'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['::ffff:c000:201', '::ffff:192.0.2.1'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['::1.2.3.4', '::102:304'],
] as const)('spells %s as %s', ([text, expected]) => {
  expect(formatIpv6(parseIpv6(text))).toBe(expected)
})

test.for([
  '',
  ':',
  ':::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7:8::',
  '1::2::3',
  ':1::2',
  '1::2:',
  '12345::',
  '::g',
  '1.2.3.4::',
  '::1.2.3.4:5',
  '::1.2.3.256',
  '::ffff:01.2.3.4',
  'fe80::1%eth0',
  '[::1]',
  '::1/128',
  '127.0.0.1',
])('refuses %j', (text) => {
  expect(() => parseIpv6(text)).toThrow(expect.objectContaining({ code: 'ERR_SOCKS5_ADDRESS' }))
})

test('formats sixteen octets only', () => {
  expect(() => formatIpv6(new Uint8Array(4))).toThrow(
    expect.objectContaining({ code: 'ERR_SOCKS5_ADDRESS' }),
  )
})

function accepts(text: string): boolean {
  try {
    return parseIpv6(text).length === 16
  } catch {
    return false
  }
}
