import fc from 'fast-check'
import { canonicalAddress } from '../lib/address.ts'
import type { ClientHello, ClientMessage, CloseV1, ListenV1 } from '../lib/client-message.ts'
import type { Family } from '../lib/fields.ts'
import type { ServerMessage } from '../lib/server-message.ts'

const ports = fc.integer({ min: 1, max: 65_535 })
const ids = fc.integer({ min: 0, max: 4_294_967_295 })
const types = fc.constantFrom('listen' as const, 'close' as const)

const ipv4 = fc.ipV4()
// fast-check's own spellings, brought to the one that a message has.
const ipv6 = fc.ipV6().map((text) => canonicalAddress(6, text) ?? '::')

const places = fc.oneof(
  fc.record({ family: fc.constantFrom<Family[]>('tcp4', 'udp4'), address: ipv4 }),
  fc.record({
    family: fc.constantFrom<Family[]>('tcp6', 'tcp46', 'udp6', 'udp46'),
    address: ipv6,
  }),
)

export const hellos: fc.Arbitrary<ClientHello> = fc.record({
  type: fc.constant('hello' as const),
  version: fc.integer({ min: 2, max: 4_294_967_295 }),
  pid: fc.integer({ min: 1, max: 2_147_483_647 }),
})

export const linesV1: fc.Arbitrary<ListenV1 | CloseV1> = fc.record({
  type: types,
  version: fc.constant(1 as const),
  family: fc.constantFrom('tcp4' as const, 'tcp6' as const),
  port: ports,
})

export const linesV2: fc.Arbitrary<ClientMessage> = fc
  .tuple(types, ids, places, ports, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
  .map(([type, id, place, port, socket]) => ({ type, version: 2, id, ...place, port, socket }))

/** Text that a reason can hold as it is. */
const reasons = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((text) => !/\p{Cc}/u.test(text))

export const answers: fc.Arbitrary<ServerMessage> = fc.oneof(
  fc.record({ type: fc.constant('ok' as const), id: fc.integer({ min: 1, max: 4_294_967_295 }) }),
  fc.record({
    type: fc.constant('refused' as const),
    id: ids,
    code: fc.constantFrom('denied', 'limit', 'taken', 'invalid', 'unavailable'),
    reason: reasons,
  }),
)

/** Pieces that together are the bytes. */
export function piecesOf(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...at, bytes.length].map((end, index) => bytes.slice(at[index - 1] ?? 0, end))
}
