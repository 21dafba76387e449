import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addresses, octets } from '../testing/arbitraries.ts'
import { mutated, testCodec } from '../testing/codec-properties.ts'
import {
  decodeDatagram,
  decodeDatagramHeader,
  encodeDatagram,
  encodeDatagramHeader,
} from './datagram.ts'
import { Socks5Error } from './errors.ts'

const headers = fc.record({ fragment: octets, destination: addresses })
const datagrams = fc.record({ fragment: octets, destination: addresses, data: fc.uint8Array() })

testCodec('the datagram header', headers, encodeDatagramHeader, decodeDatagramHeader)

test('a datagram is its header and all that follows', () => {
  fc.assert(
    fc.property(datagrams, (datagram) => {
      expect(decodeDatagram(encodeDatagram(datagram))).toEqual(datagram)
    }),
  )
})

test('a datagram of any bytes is one or is a Socks5Error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), mutated(datagrams.map(encodeDatagram))), (bytes) => {
      try {
        decodeDatagram(bytes)
      } catch (error) {
        if (!(error instanceof Socks5Error)) throw error
      }
    }),
  )
})

test.for([
  ['nothing', 'ERR_SOCKS5_DATAGRAM', []],
  ['half a header', 'ERR_SOCKS5_DATAGRAM', [0, 0, 0, 1, 127, 0]],
  ['a reserved octet that is not zero', 'ERR_SOCKS5_RESERVED', [0, 1, 0, 1, 127, 0, 0, 1, 0, 80]],
  ['an unknown address type', 'ERR_SOCKS5_ADDRESS_TYPE', [0, 0, 0, 9, 127, 0, 0, 1, 0, 80]],
] as const)('a datagram with %s is %s', ([, code, bytes]) => {
  expect(() => decodeDatagram(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code }))
})
