import path from 'node:path'
import { elfFile } from '@tailproxy/native-binary/testing'
import { expect } from 'vitest'
import { place, test } from '../testing/directory.ts'
import { findLibrary } from './find-library.ts'

test('takes the library that the environment names', ({ directory }) => {
  const file = place(path.join(directory, 'mine.so'), elfFile(), 0o644)
  expect(findLibrary({ TAILPROXY_PRELOAD_LIBRARY: file })).toBe(file)
})

test('refuses one from the environment that is not there', ({ directory }) => {
  expect(() => findLibrary({ TAILPROXY_PRELOAD_LIBRARY: directory })).toThrow(
    expect.objectContaining({ code: 'ERR_NATIVE_BINARY_NOT_FOUND' }),
  )
})

test('refuses one from the environment that is no library, and names it', ({ directory }) => {
  const file = place(path.join(directory, 'mine.so'), '', 0o644)
  expect(() => findLibrary({ TAILPROXY_PRELOAD_LIBRARY: file })).toThrow(
    expect.objectContaining({
      code: 'ERR_NATIVE_BINARY_UNUSABLE',
      message: expect.stringContaining(file),
    }),
  )
})
