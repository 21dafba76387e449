import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { test } from '../testing/session.ts'
import { replaceFile } from './replace-file.ts'

test('replaces a file by one that is for its owner alone', ({ directory }) => {
  const file = path.join(directory, 'file')
  writeFileSync(file, 'before', { mode: 0o644 })
  replaceFile(file, 'after')
  expect(readFileSync(file, 'utf8')).toBe('after')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readdirSync(directory)).toEqual(['file'])
})

test('leaves nothing when it cannot, and says why', ({ directory }) => {
  mkdirSync(path.join(directory, 'file/in'), { recursive: true })
  expect(() => replaceFile(path.join(directory, 'file'), 'text')).toThrow(
    expect.objectContaining({ code: 'ERR_SESSION_STATE_DIRECTORY' }),
  )
  expect(readdirSync(directory)).toEqual(['file'])
})
