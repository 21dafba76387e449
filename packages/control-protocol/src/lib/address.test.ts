import { isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalAddress } from './address.ts'

test.for([
  ['::', '::'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['::1', '::1'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['10:0:0:1::', '10:0:0:1::'],
  ['::ffff:7f00:1', '::ffff:127.0.0.1'],
  ['::127.0.0.1', '::7f00:1'],
] as const)('spells %s as %s', ([text, canonical]) => {
  expect(canonicalAddress(6, text)).toBe(canonical)
})

test('takes as IPv4 just what node:net does', () => {
  const almost = fc.stringMatching(/^[0-9.]{0,16}$/)
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV4Extended(), almost), (text) => {
      expect(canonicalAddress(4, text)).toBe(isIPv4(text) ? text : undefined)
    }),
  )
})

test('takes as IPv6 just what node:net does, and has one spelling for each', () => {
  const almost = fc.stringMatching(/^[0-9a-f:.]{0,40}$/)
  fc.assert(
    fc.property(fc.oneof(fc.ipV6(), almost), (text) => {
      const canonical = canonicalAddress(6, text)
      expect(canonical !== undefined).toBe(isIPv6(text))
      if (canonical !== undefined) expect(canonicalAddress(6, canonical)).toBe(canonical)
    }),
    { numRuns: 500 },
  )
})
