import fc from 'fast-check'
import { expect, test } from 'vitest'
import { octets } from '../testing/arbitraries.ts'
import { testCodec } from '../testing/codec-properties.ts'
import { decodeAuthenticationStatus, encodeAuthenticationStatus } from './authentication-status.ts'

testCodec(
  'the authentication status',
  fc.record({ status: octets }),
  encodeAuthenticationStatus,
  decodeAuthenticationStatus,
)

test('is the octets of RFC 1929 section 2', () => {
  expect([...encodeAuthenticationStatus({ status: 0 })]).toEqual([1, 0])
})

test('has the version of RFC 1929, not that of RFC 1928', () => {
  expect(() => decodeAuthenticationStatus(Uint8Array.of(5))).toThrow(
    expect.objectContaining({ code: 'ERR_SOCKS5_VERSION' }),
  )
})
