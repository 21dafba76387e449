import { expect, test } from 'vitest'
import { nearestOf } from './nearest.ts'

test('finds the candidate that is fewest typing errors away', () => {
  expect(nearestOf('hostnme', ['hostname', 'home'])).toBe('hostname')
  expect(nearestOf('zzzzzz', ['hostname', 'home'])).toBeUndefined()
  expect(nearestOf('', ['hostname'])).toBeUndefined()
})
