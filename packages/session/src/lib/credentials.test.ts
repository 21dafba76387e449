import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Credentials, createCredential } from './credentials.ts'

test('makes credentials of 32 hexadecimal digits, each another', () => {
  const made = Array.from({ length: 100 }, createCredential)
  for (const credential of made) expect(credential).toMatch(/^[0-9a-f]{32}$/)
  expect(new Set(made).size).toBe(100)
})

test('verifies exactly the password of the user', () => {
  const name = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(name, name, name, name, (user, password, other, guess) => {
      const credentials = new Credentials()
      credentials.add(user, password)
      expect(credentials.verify(user, password)).toBe(true)
      expect(credentials.verify(user, guess)).toBe(guess === password)
      expect(credentials.verify(other, password)).toBe(other === user)
    }),
  )
})

test('knows nobody at first, and nobody who was deleted', () => {
  const credentials = new Credentials()
  expect(credentials.verify('', '')).toBe(false)
  credentials.add('run-1', 'secret')
  credentials.delete('run-1')
  expect(credentials.verify('run-1', 'secret')).toBe(false)
})

test('takes the latest password of a user', () => {
  const credentials = new Credentials()
  credentials.add('run-1', 'old')
  credentials.add('run-1', 'new')
  expect(credentials.verify('run-1', 'old')).toBe(false)
  expect(credentials.verify('run-1', 'new')).toBe(true)
})

test('tells passwords apart that differ by a zero byte or in length only', () => {
  const credentials = new Credentials()
  credentials.add('run-1', 'secret')
  for (const guess of ['secret\0', 'secre', '']) {
    expect(credentials.verify('run-1', guess)).toBe(false)
  }
})
