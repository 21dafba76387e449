import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ERROR_CODES, type ErrorCode, errnoOf, replyOf } from './error-code.ts'

interface Table {
  codes: { code: ErrorCode; reply: number; errno: string }[]
  replies: { reply: number; errno: string }[]
}

const table: Table = JSON.parse(
  readFileSync(new URL('../../vectors/errors.json', import.meta.url), 'utf8'),
)

test('knows exactly the codes of the vectors', () => {
  expect([...ERROR_CODES].sort()).toEqual(table.codes.map(({ code }) => code).sort())
})

test.for(table.codes)('tells of $code by reply $reply and $errno', ({ code, reply, errno }) => {
  expect(replyOf(code)).toBe(reply)
  expect(errnoOf(code)).toBe(errno)
})

test('has one errno for each reply, since the preload library sees only the reply', () => {
  for (const { code, reply } of table.codes) {
    expect(table.replies).toContainEqual({ reply, errno: errnoOf(code) })
  }
})

test('never tells of a failure by the reply for success', () => {
  for (const code of ERROR_CODES) expect(replyOf(code)).toBeGreaterThan(0)
})
