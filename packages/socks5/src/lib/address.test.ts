import { describe, expect, test } from 'vitest'
import { addresses } from '../testing/arbitraries.ts'
import { testCodec } from '../testing/codec-properties.ts'
import {
  decodeAddress,
  encodeAddress,
  formatSocksAddress,
  normalizeSocksAddress,
  type SocksAddress,
  toSocksAddress,
} from './address.ts'

testCodec('an address', addresses, encodeAddress, decodeAddress)

test.for([
  [{ type: 'ipv4', host: '192.0.2.1', port: 80 }, [1, 192, 0, 2, 1, 0, 80]],
  [{ type: 'domain', host: 'a.b', port: 443 }, [3, 3, 97, 46, 98, 1, 187]],
  [{ type: 'domain', host: 'é', port: 65_535 }, [3, 2, 0xc3, 0xa9, 255, 255]],
  [
    { type: 'ipv6', host: '2001:db8::1', port: 1 },
    [4, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1],
  ],
] as const)('encodes %o as RFC 1928 section 5 has it', ([address, bytes]) => {
  expect([...encodeAddress(address)]).toEqual(bytes)
})

test.for([
  ['ERR_SOCKS5_ADDRESS', { type: 'ipv4', host: '1.2.3', port: 1 }],
  ['ERR_SOCKS5_ADDRESS', { type: 'ipv6', host: 'fe80::1%eth0', port: 1 }],
  ['ERR_SOCKS5_DOMAIN_NAME', { type: 'domain', host: '', port: 1 }],
  ['ERR_SOCKS5_DOMAIN_NAME', { type: 'domain', host: 'a'.repeat(256), port: 1 }],
  ['ERR_SOCKS5_DOMAIN_NAME', { type: 'domain', host: 'a\0b', port: 1 }],
  ['ERR_SOCKS5_DOMAIN_NAME', { type: 'domain', host: '\udfff', port: 1 }],
  ['ERR_SOCKS5_FIELD', { type: 'domain', host: 'a', port: 65_536 }],
] as const)('does not encode: %s for %o', ([code, address]) => {
  expect(() => encodeAddress(address)).toThrow(expect.objectContaining({ code }))
})

test('does not encode a type that TypeScript would have refused', () => {
  const address = { type: 'unix', host: '/tmp/a', port: 1 } as unknown as SocksAddress
  expect(() => encodeAddress(address)).toThrow(
    expect.objectContaining({ code: 'ERR_SOCKS5_ADDRESS_TYPE' }),
  )
})

test.for([
  ['an unknown type, on its first byte', 'ERR_SOCKS5_ADDRESS_TYPE', [2]],
  ['an empty name', 'ERR_SOCKS5_DOMAIN_NAME', [3, 0, 0, 80]],
  ['a name with NUL', 'ERR_SOCKS5_DOMAIN_NAME', [3, 3, 97, 0, 98, 0, 80]],
  ['a name that is not UTF-8', 'ERR_SOCKS5_DOMAIN_NAME', [3, 1, 0xff, 0, 80]],
] as const)('does not decode %s', ([, code, bytes]) => {
  expect(() => decodeAddress(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code }))
})

describe('toSocksAddress', () => {
  test.for([
    ['127.0.0.1', { type: 'ipv4', host: '127.0.0.1' }],
    ['2001:DB8:0:0::1', { type: 'ipv6', host: '2001:db8::1' }],
    ['::ffff:7f00:1', { type: 'ipv6', host: '::ffff:127.0.0.1' }],
    ['example.com', { type: 'domain', host: 'example.com' }],
    ['127.1', { type: 'domain', host: '127.1' }],
  ] as const)('takes %s for %o', ([host, expected]) => {
    expect(toSocksAddress(host, 1)).toEqual({ ...expected, port: 1 })
  })

  test.for(['[::1]', 'fe80::1%eth0', 'example.com:80'])('refuses %s', (host) => {
    expect(() => toSocksAddress(host, 1)).toThrow(
      expect.objectContaining({ code: 'ERR_SOCKS5_ADDRESS' }),
    )
  })
})

test.for([
  ['127.0.0.1', { type: 'ipv4', host: '127.0.0.1' }],
  ['0::1', { type: 'ipv6', host: '::1' }],
  ['localhost', { type: 'domain', host: 'localhost' }],
  ['[::1]', { type: 'domain', host: '[::1]' }],
] as const)('finds in the name %s what it is: %o', ([host, expected]) => {
  const normalized = normalizeSocksAddress({ type: 'domain', host, port: 1 })
  expect(normalized).toEqual({ ...expected, port: 1 })
})

test('formats IPv6 in brackets', () => {
  expect(formatSocksAddress({ type: 'ipv6', host: '::1', port: 80 })).toBe('[::1]:80')
  expect(formatSocksAddress({ type: 'domain', host: 'a', port: 80 })).toBe('a:80')
})
