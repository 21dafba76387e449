import { expect, test } from 'vitest'
import { timeSpan } from './time-span.ts'

test.for([
  [-5, '0 s'],
  [999, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [61_000, '1 min 1 s'],
  [3_600_000, '1 h'],
  [3_601_000, '1 h'],
  [7_500_000, '2 h 5 min'],
  [90_000_000, '1 d 1 h'],
] as const)('%i ms are %s', ([milliseconds, text]) => {
  expect(timeSpan(milliseconds)).toBe(text)
})
