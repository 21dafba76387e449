import { expect, test } from 'vitest'
import { SessionAwayError } from './errors.ts'

test.for([
  ['ENOENT', true],
  ['ECONNREFUSED', true],
  ['ECONNRESET', true],
  ['EPIPE', true],
  ['EACCES', false],
  ['ETIMEDOUT', false],
] as const)('a session that is away by %s is gone: %s', ([code, isGone]) => {
  const cause = Object.assign(new Error(code), { code })
  expect(new SessionAwayError('/s', { cause })).toMatchObject({ isGone })
})

test('a session that cannot be understood is not gone', () => {
  expect(new SessionAwayError('/s', { cause: 'it says nonsense' }).isGone).toBe(false)
})
