import { chmodSync } from 'node:fs'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { expect } from 'vitest'
import { messageOf, test } from '../testing/home.ts'
import { readAuthKey } from './auth-key.ts'

test('takes a word for the key itself', async () => {
  expect(await readAuthKey('tskey-auth-1')).toBe('tskey-auth-1')
  expect(await readAuthKey('')).toBe('')
})

test('reads a file, without the white space around the key', async ({ home }) => {
  const file = home.write('key', '\n tskey-auth-1\r\n')
  chmodSync(file, 0o600)
  expect(await readAuthKey(`file:${file}`)).toBe('tskey-auth-1')
  expect(await readAuthKey('file:key', { from: home.path })).toBe('tskey-auth-1')
})

test.for([0o640, 0o604, 0o444])('refuses a file of mode %o', async (mode, { home }) => {
  const file = home.write('key', 'tskey-auth-1')
  chmodSync(file, mode)
  expect(await messageOf(() => readAuthKey(`file:${file}`))).toBe(
    `others can read the auth key in ${file} (mode 0${mode.toString(8)}); chmod 600 it`,
  )
})

test.for([
  ['', 'it is empty'],
  [' \n', 'it is empty'],
  ['tskey-secret tskey-secret', 'more than one word'],
  ['tskey-secret\nmore\n', 'more than one word'],
  ['x'.repeat(5000), 'more than one word'],
] as const)(
  'says of a file of %j that %s, and nothing of what it holds',
  async ([content, why], { home }) => {
    const file = home.write('key', content)
    chmodSync(file, 0o600)
    const message = await messageOf(() => readAuthKey(`file:${file}`))
    expect(message).toContain(why)
    expect(message).not.toMatch(/secret|xxx/)
  },
)

test('says why a file cannot be read', async ({ home }) => {
  const file = path.join(home.path, 'none')
  expect(await messageOf(() => readAuthKey(`file:${file}`))).toBe(
    `cannot read the auth key in ${file}: there is no such file`,
  )
  chmodSync(home.path, 0o700)
  expect(await messageOf(() => readAuthKey(`file:${home.path}`))).toContain('EISDIR')
})

test('reads one line of standard input, in whatever pieces it comes', async () => {
  const stdin = new PassThrough()
  const key = readAuthKey('-', { stdin })
  for (const part of ['tskey', '-auth', '-1\nwhat follows']) stdin.write(part)
  expect(await key).toBe('tskey-auth-1')
})

test('reads standard input up to its end', async () => {
  const stdin = new PassThrough()
  stdin.end('tskey-auth-1')
  expect(await readAuthKey('-', { stdin })).toBe('tskey-auth-1')
  const empty = new PassThrough()
  empty.end()
  expect(await messageOf(() => readAuthKey('-', { stdin: empty }))).toContain('it is empty')
})

test('reads no more of standard input than a key is long', async () => {
  const stdin = new PassThrough()
  stdin.write('x'.repeat(5000))
  expect(await messageOf(() => readAuthKey('-', { stdin }))).toContain('more than one word')
})

test('does not take standard input from a command that passes it on', async () => {
  expect(await messageOf(() => readAuthKey('-'))).toContain('tailproxy login --authkey=-')
})
