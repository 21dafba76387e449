import { expect, test } from 'vitest'
import { requests } from '../testing/arbitraries.ts'
import { testCodec } from '../testing/codec-properties.ts'
import type { Command } from './constants.ts'
import { decodeRequest, encodeRequest } from './request.ts'

testCodec('the request', requests, encodeRequest, decodeRequest)

const destination = { type: 'ipv4', host: '192.0.2.1', port: 80 } as const

test.for([
  ['connect', 1],
  ['bind', 2],
  ['udp-associate', 3],
  ['resolve', 0xf0],
  ['resolve-ptr', 0xf1],
] as const)('sends %s as %i', ([command, octet]) => {
  const bytes = encodeRequest({ command, destination })
  expect([...bytes]).toEqual([5, octet, 0, 1, 192, 0, 2, 1, 0, 80])
})

test.for([
  ['another version', 'ERR_SOCKS5_VERSION', 1, [4]],
  ['an unknown address type', 'ERR_SOCKS5_ADDRESS_TYPE', 8, [5, 1, 0, 9]],
  ['an unknown command', 'ERR_SOCKS5_COMMAND', 7, [5, 9, 0, 1, 1, 2, 3, 4, 0, 80]],
  ['a reserved octet that is not zero', 'ERR_SOCKS5_RESERVED', 1, [5, 1, 1, 1, 1, 2, 3, 4, 0, 80]],
  ['an empty name', 'ERR_SOCKS5_DOMAIN_NAME', 1, [5, 1, 0, 3, 0, 0, 80]],
] as const)('with %s is %s, reply %i', ([, code, replyCode, bytes]) => {
  expect(() => decodeRequest(Uint8Array.from(bytes))).toThrow(
    expect.objectContaining({ code, replyCode }),
  )
})

test('with an unknown command is read to its end first', () => {
  const bytes = Uint8Array.of(5, 9, 0, 1, 1, 2, 3, 4, 0)
  expect(decodeRequest(bytes)).toEqual({ done: false, needed: 1 })
})

test('cannot have a command that TypeScript would have refused', () => {
  const command = 'toString' as unknown as Command
  expect(() => encodeRequest({ command, destination })).toThrow(
    expect.objectContaining({ code: 'ERR_SOCKS5_COMMAND' }),
  )
})
