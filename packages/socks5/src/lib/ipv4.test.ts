import { isIPv4 } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ipv4Octets } from '../testing/arbitraries.ts'
import { formatIpv4, parseIpv4 } from './ipv4.ts'

test('parses what it formatted', () => {
  fc.assert(
    fc.property(ipv4Octets, (octets) => {
      expect(parseIpv4(formatIpv4(octets))).toEqual(octets)
    }),
  )
})

test('agrees with net.isIPv4 on what an address is', () => {
  const texts = fc.oneof(
    fc.ipV4Extended(),
    fc.stringMatching(/^[0-9a-f.x]{0,16}$/),
    fc.array(fc.nat(300), { minLength: 3, maxLength: 5 }).map((parts) => parts.join('.')),
  )
  fc.assert(
    fc.property(texts, (text) => {
      expect(accepts(text)).toBe(isIPv4(text))
    }),
  )
})

test.for([
  '',
  '1.2.3',
  '1.2.3.4.5',
  '256.0.0.1',
  '01.2.3.4',
  '0x7f.0.0.1',
  ' 1.2.3.4',
  '1.2.3.4\n',
])('refuses %j', (text) => {
  expect(() => parseIpv4(text)).toThrow(expect.objectContaining({ code: 'ERR_SOCKS5_ADDRESS' }))
})

test('formats four octets only', () => {
  expect(() => formatIpv4(new Uint8Array(3))).toThrow(
    expect.objectContaining({ code: 'ERR_SOCKS5_ADDRESS' }),
  )
})

function accepts(text: string): boolean {
  try {
    return parseIpv4(text).length === 4
  } catch {
    return false
  }
}
