import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeLineError, lineError } from './line-error.ts'

test('what was found is bounded and printable, whatever it was', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      const error = lineError('command', bytes, 'LISTEN')
      expect(error.found).toMatch(/^[ -~]{0,64}$/)
      expect(describeLineError(error).length).toBeLessThan(300)
    }),
  )
})

test('bytes that a terminal would obey are shown as numbers', () => {
  expect(lineError('character', '\x1b[2Jé', 'ASCII').found).toBe('\\x1b[2J\\xc3\\xa9')
})

test('what is longer than fits ends in dots', () => {
  expect(lineError('command', 'x'.repeat(65), '').found).toBe(`${'x'.repeat(61)}...`)
  expect(lineError('command', 'x'.repeat(64), '').found).toBe('x'.repeat(64))
})
