import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { expect } from 'vitest'
import { test } from '../testing/session.ts'
import { readSessionFile, removeSessionFile, writeSessionFile } from './session-file.ts'

const SESSION = {
  hostname: 'laptop',
  controlUrl: 'http://127.0.0.1:4000',
  onlyTailnet: true,
  udp: 'block',
} as const

test('is read as it was written', ({ directory }) => {
  const file = writeSessionFile(directory, SESSION)
  expect(readSessionFile(file)).toEqual({ version: 1, pid: process.pid, ...SESSION })
})

test('is for us alone, and the only file that is left', ({ directory }) => {
  const file = writeSessionFile(directory, SESSION)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readdirSync(directory)).toEqual(['session.json'])
})

test('has an absolute path, since commands change their directory', ({ directory }) => {
  const relative = path.relative(process.cwd(), directory)
  expect(writeSessionFile(relative, SESSION)).toBe(path.join(directory, 'session.json'))
})

test('holds no more than it says, whatever else it is given', ({ directory }) => {
  const file = writeSessionFile(directory, { ...SESSION, authKey: 'tskey-secret' } as never)
  expect(readFileSync(file, 'utf8')).not.toContain('secret')
})

test('replaces that of an earlier session', ({ directory }) => {
  writeSessionFile(directory, { ...SESSION, hostname: 'earlier' })
  expect(readSessionFile(writeSessionFile(directory, SESSION))).toMatchObject(SESSION)
})

test('is gone when it is removed, which may be done twice', ({ directory }) => {
  const file = writeSessionFile(directory, SESSION)
  removeSessionFile(file)
  removeSessionFile(file)
  expect(readSessionFile(file)).toBeUndefined()
})

test.for([
  { version: 2 },
  { pid: '1' },
  { pid: 0 },
  { pid: -1 },
  { pid: 1.5 },
  { hostname: null },
  { controlUrl: 1 },
  { onlyTailnet: 'yes' },
  { udp: 'allow' },
  { udp: ['block'] },
])('is none when a field is not what it should be: %j', (field, { directory }) => {
  const file = path.join(directory, 'session.json')
  writeFileSync(file, JSON.stringify({ version: 1, pid: 1, ...SESSION, ...field }))
  expect(readSessionFile(file)).toBeUndefined()
})

test('is none, whatever else a file holds', ({ directory }) => {
  const file = path.join(directory, 'session.json')
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (content) => {
      writeFileSync(file, content)
      expect(readSessionFile(file)).toBeUndefined()
    }),
  )
})
