import { readFileSync, rmSync } from 'node:fs'
import { expect, vi } from 'vitest'
import { test } from '../testing/surroundings.ts'
import { keepLibrary, library } from './library.ts'

const NO_LIBRARY = expect.objectContaining({ code: 'ERR_NATIVE_BINARY_NOT_FOUND' })

test('there is none where the environment names what is not there', ({ surroundings: _ }) => {
  vi.stubEnv('TAILPROXY_PRELOAD_LIBRARY', '/nonexistent')
  expect(library).toThrow(NO_LIBRARY)
  expect(keepLibrary()).toThrow(NO_LIBRARY)
})

test('a session places it again for each command', ({ surroundings: _ }) => {
  const keep = keepLibrary()
  const placed = keep()
  expect(placed).toBe(library())
  const content = readFileSync(placed)
  rmSync(placed)
  expect(readFileSync(keep())).toEqual(content)
})
