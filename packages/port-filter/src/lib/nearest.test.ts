import { expect, test } from 'vitest'
import { nearest } from './nearest.ts'

test.for([
  ['inboud', 'inbound'],
  ['Outbound', 'outbound'],
  ['exprot', 'export'],
  ['exports', 'export'],
] as const)('takes %s for %s', ([word, meant]) => {
  expect(nearest(word, ['outbound', 'inbound', 'export'])).toBe(meant)
})

test('names nothing for what is like none of them', () => {
  expect(nearest('decide', ['outbound', 'inbound', 'export'])).toBeUndefined()
  expect(nearest('80a', ['ssh', 'ftp'])).toBeUndefined()
  expect(nearest('', ['a'])).toBeUndefined()
})

test('prefers the one with the fewest edits', () => {
  expect(nearest('htps', ['http', 'https'])).toBe('https')
})
