import { expect, test } from 'vitest'
import { readFilterEntry } from './filter-entry.ts'

test('reads a name, and a name with options', () => {
  expect(readFilterEntry('./mine.mjs')).toEqual({ specifier: './mine.mjs', options: undefined })
  const options = { users: ['ann'] }
  expect(readFilterEntry({ filter: 'mine', options })).toEqual({ specifier: 'mine', options })
  expect(readFilterEntry({ filter: 'mine' })).toEqual({ specifier: 'mine', options: undefined })
})

test.for([
  [undefined, 'is undefined'],
  [null, 'is null'],
  [7, 'is 7'],
  [['./mine.mjs'], 'is an array'],
  ['', 'names the filter ""'],
  [' ', 'names the filter " "'],
  ['./a\0.mjs', 'names the filter "./a\\u0000.mjs"'],
  [{}, 'has undefined for its filter'],
  [{ filter: 7 }, 'has 7 for its filter'],
  [{ filter: 'mine', option: {} }, 'has a field "option"; did you mean "options"?'],
  [{ filter: 'mine', users: [] }, 'has a field "users"; write a path'],
] as const)('refuses %j', ([entry, message]) => {
  expect(() => readFilterEntry(entry)).toThrow(
    expect.objectContaining({
      code: 'ERR_PORT_FILTER_ENTRY',
      message: expect.stringContaining(message),
    }),
  )
})
