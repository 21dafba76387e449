import { expect, test } from 'vitest'
import { credentials } from '../testing/arbitraries.ts'
import { testCodec } from '../testing/codec-properties.ts'
import { decodeCredentials, encodeCredentials } from './credentials.ts'

testCodec('credentials', credentials, encodeCredentials, decodeCredentials)

test('are the octets of RFC 1929 section 2', () => {
  expect([...encodeCredentials({ username: 'ab', password: 'c' })]).toEqual([1, 2, 97, 98, 1, 99])
})

test('may have an empty password, as curl sends it', () => {
  const bytes = Uint8Array.of(1, 1, 97, 0)
  expect(decodeCredentials(bytes)).toMatchObject({ message: { username: 'a', password: '' } })
})

test.for([
  ['an empty username', { username: '', password: 'b' }],
  ['a username of 256 bytes', { username: 'é'.repeat(128), password: 'b' }],
  ['a password of 256 bytes', { username: 'a', password: 'b'.repeat(256) }],
  ['a lone surrogate', { username: 'a', password: '\ud800' }],
] as const)('cannot have %s', ([, message]) => {
  expect(() => encodeCredentials(message)).toThrow(
    expect.objectContaining({ code: 'ERR_SOCKS5_CREDENTIALS' }),
  )
})

test.for([
  ['an empty username', [1, 0, 1, 97]],
  ['a username that is not UTF-8', [1, 1, 0xff, 1, 97]],
  ['a password that is not UTF-8', [1, 1, 97, 1, 0xff]],
] as const)('are refused when they have %s', ([, bytes]) => {
  expect(() => decodeCredentials(Uint8Array.from(bytes))).toThrow(
    expect.objectContaining({ code: 'ERR_SOCKS5_CREDENTIALS' }),
  )
})

test('stay out of the error', () => {
  expect(() => encodeCredentials({ username: 'a', password: `s3cret${'x'.repeat(256)}` })).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('s3cret') }),
  )
})
