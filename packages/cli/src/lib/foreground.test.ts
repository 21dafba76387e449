import { expect, test } from 'vitest'
import { isInForeground } from './foreground.ts'

test.for([
  ['in the foreground of a terminal', '10 (node) S 9 10 9 34816 10 4194304 0', true],
  ['in the background of one', '10 (node) S 9 10 9 34816 8 4194304 0', false],
  ['without one', '10 (node) S 9 10 9 0 -1 4194304 0', false],
  ['of a name like fields', '10 (a) S 9 8 (b) S 9 10 9 34816 10 4194304 0', true],
  ['in a group of its parent', '10 (node) S 9 9 9 34816 9 4194304 0', true],
  ['of whom nothing is known', '', false],
] as const)('knows a process %s', ([, stat, expected]) => {
  expect(isInForeground(stat)).toBe(expected)
})

test('reads the kernel on this process', () => {
  expect([true, false]).toContain(isInForeground())
})
