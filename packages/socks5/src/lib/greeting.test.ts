import fc from 'fast-check'
import { expect, test } from 'vitest'
import { octets } from '../testing/arbitraries.ts'
import { testCodec } from '../testing/codec-properties.ts'
import { decodeGreeting, encodeGreeting } from './greeting.ts'

testCodec(
  'the greeting',
  fc.record({ methods: fc.array(octets, { maxLength: 255 }) }),
  encodeGreeting,
  decodeGreeting,
)

test('is the octets of RFC 1928 section 3', () => {
  expect([...encodeGreeting({ methods: [0, 2] })]).toEqual([5, 2, 0, 2])
})

test.for([
  ['SOCKS4', [4, 1]],
  ['HTTP', [...'GET / HTTP/1.1'].map((letter) => letter.charCodeAt(0))],
] as const)('tells %s by its first byte', ([, bytes]) => {
  expect(() => decodeGreeting(Uint8Array.from(bytes.slice(0, 1)))).toThrow(
    expect.objectContaining({ code: 'ERR_SOCKS5_VERSION', name: 'VersionError' }),
  )
})

test('cannot offer 256 methods', () => {
  expect(() => encodeGreeting({ methods: Array(256).fill(0) })).toThrow(
    expect.objectContaining({ code: 'ERR_SOCKS5_FIELD' }),
  )
})
