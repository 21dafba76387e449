import fc from 'fast-check'
import { expect, test } from 'vitest'
import { answers } from '../testing/arbitraries.ts'
import { MAX_LINE_BYTES } from './line-splitter.ts'
import { encodeServerMessage, parseServerLine } from './server-message.ts'

function parse(line: string) {
  expect(line.endsWith('\n')).toBe(true)
  return parseServerLine(new TextEncoder().encode(line.slice(0, -1)))
}

test('every message comes back from its line as it was', () => {
  fc.assert(
    fc.property(answers, (message) => {
      expect(parse(encodeServerMessage(message))).toEqual({ ok: true, message })
    }),
  )
  const hello = { type: 'hello', version: 2 } as const
  expect(parse(encodeServerMessage(hello))).toEqual({ ok: true, message: hello })
})

test('nothing makes the parser throw, and what it refuses has a code', () => {
  const lines = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.string().map((reason) => new TextEncoder().encode(`REFUSED 1 denied ${reason}`)),
  )
  fc.assert(
    fc.property(lines, (bytes) => {
      const parsed = parseServerLine(bytes)
      if (!parsed.ok) expect(parsed.error.code).toMatch(/^[a-z-]+$/)
    }),
  )
})

test('any text is fitted into a reason: one line, not too long, never empty', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 500, maxLength: 2000 })),
      (reason) => {
        const line = encodeServerMessage({
          type: 'refused',
          id: 4_294_967_295,
          code: 'limit',
          reason,
        })
        expect(new TextEncoder().encode(line).length).toBeLessThanOrEqual(MAX_LINE_BYTES)
        expect(parse(line)).toMatchObject({ ok: true, message: { code: 'limit' } })
      },
    ),
  )
})

test('a reason is cut between characters, and keeps all that fits', () => {
  const room = MAX_LINE_BYTES - 'REFUSED 1 denied \n'.length
  const line = encodeServerMessage({
    type: 'refused',
    id: 1,
    code: 'denied',
    reason: '门'.repeat(999),
  })
  expect(parse(line)).toMatchObject({ message: { reason: '门'.repeat(Math.floor(room / 3)) } })
})

test('an id that no line can carry is not written', () => {
  expect(() => encodeServerMessage({ type: 'ok', id: 0 })).toThrow(
    expect.objectContaining({ code: 'ERR_CONTROL_PROTOCOL_FIELD', field: 'id' }),
  )
})
