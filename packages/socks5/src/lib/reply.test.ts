import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addresses, octets } from '../testing/arbitraries.ts'
import { testCodec } from '../testing/codec-properties.ts'
import { encodeAddress } from './address.ts'
import { concat } from './octets.ts'
import { decodeReply, encodeReply, encodeReplyPrefix } from './reply.ts'

const replies = fc.record({ replyCode: octets, bound: addresses })

testCodec('the reply', replies, encodeReply, decodeReply)

test('is the octets of RFC 1928 section 6', () => {
  const bound = { type: 'ipv4', host: '0.0.0.0', port: 0 } as const
  expect([...encodeReply({ replyCode: 5, bound })]).toEqual([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])
})

test('is its prefix and an address', () => {
  fc.assert(
    fc.property(replies, ({ replyCode, bound }) => {
      const whole = encodeReply({ replyCode, bound })
      expect(concat(encodeReplyPrefix(replyCode), encodeAddress(bound))).toEqual(whole)
    }),
  )
})

test('may have anything in its reserved octet', () => {
  const bytes = Uint8Array.of(5, 0, 77, 1, 0, 0, 0, 0, 0, 0)
  expect(decodeReply(bytes)).toMatchObject({ done: true, message: { replyCode: 0 } })
})
