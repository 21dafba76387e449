import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareCredentials, safeEqual } from './safe-equal.ts'

test('says of any two byte strings whether they are the same', () => {
  const bytes = fc.uint8Array({ maxLength: 600 })
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(safeEqual(a, b)).toBe(Buffer.compare(a, b) === 0)
      expect(safeEqual(a, a.slice())).toBe(true)
    }),
  )
})

test('says of any two texts whether they are the same, lone surrogates included', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.integer({ min: 0xd7ff, max: 0xe000 }))
      .map((units) => String.fromCharCode(...units)),
    fc.constantFrom('\ufffd', '\ud800', '\ud801'),
  )
  fc.assert(
    fc.property(texts, texts, (a, b) => {
      expect(safeEqual(a, b)).toBe(a === b)
    }),
  )
})

test.for([
  ['a', 'a\0'],
  ['', '\0'],
  ['x'.repeat(256), `${'x'.repeat(256)}\0`],
] as const)('does not take padding for content', ([a, b]) => {
  expect(safeEqual(a, b)).toBe(false)
})

test.for([
  ['both right', 'user', 'secret', true],
  ['a wrong password', 'user', 'Secret', false],
  ['a wrong username', 'User', 'secret', false],
  ['both wrong', 'a', 'b', false],
  ['the two exchanged', 'secret', 'user', false],
] as const)('compares credentials with %s', ([, username, password, expected]) => {
  const stored = { username: 'user', password: 'secret' }
  expect(compareCredentials({ username, password }, stored)).toBe(expected)
})
