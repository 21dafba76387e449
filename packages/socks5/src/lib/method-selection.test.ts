import fc from 'fast-check'
import { expect, test } from 'vitest'
import { octets } from '../testing/arbitraries.ts'
import { testCodec } from '../testing/codec-properties.ts'
import { decodeMethodSelection, encodeMethodSelection } from './method-selection.ts'

testCodec(
  'the method selection',
  fc.record({ method: octets }),
  encodeMethodSelection,
  decodeMethodSelection,
)

test('is the octets of RFC 1928 section 3', () => {
  expect([...encodeMethodSelection({ method: 0xff })]).toEqual([5, 0xff])
})

test.for([-1, 256, 1.5, Number.NaN])('cannot carry method %d', (method) => {
  expect(() => encodeMethodSelection({ method })).toThrow(
    expect.objectContaining({ code: 'ERR_SOCKS5_FIELD' }),
  )
})
