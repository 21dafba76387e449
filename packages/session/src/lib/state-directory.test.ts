import { chmodSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, vi } from 'vitest'
import { test } from '../testing/session.ts'
import { claimStateDirectory, defaultStateDirectory } from './state-directory.ts'

const UNUSABLE = { code: 'ERR_SESSION_STATE_DIRECTORY' }

function errorOf(work: () => unknown): Error {
  try {
    work()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('nothing was thrown')
}

describe('by default it', () => {
  test.for([
    [
      'is below XDG_STATE_HOME',
      '',
      { XDG_STATE_HOME: '/state', HOME: '/home/u' },
      '/state/tailproxy/default',
    ],
    [
      'is below HOME without that',
      '',
      { HOME: '/home/u' },
      '/home/u/.local/state/tailproxy/default',
    ],
    [
      'passes over a relative XDG_STATE_HOME',
      '',
      { XDG_STATE_HOME: 'state', HOME: '/home/u' },
      '/home/u/.local/state/tailproxy/default',
    ],
    [
      'passes over an empty XDG_STATE_HOME',
      '',
      { XDG_STATE_HOME: '', HOME: '/home/u' },
      '/home/u/.local/state/tailproxy/default',
    ],
    [
      'is of one control server',
      'https://control.example/',
      { XDG_STATE_HOME: '/state' },
      '/state/tailproxy/https-control.example',
    ],
    [
      'is of one port of it',
      'http://127.0.0.1:8080',
      { XDG_STATE_HOME: '/state' },
      '/state/tailproxy/http-127.0.0.1-8080',
    ],
    [
      'is of one path of it',
      'https://control.example/a/b',
      { XDG_STATE_HOME: '/state' },
      '/state/tailproxy/https-control.example-a-b',
    ],
    [
      'stays below even so',
      'https://control.example/../../etc',
      { XDG_STATE_HOME: '/state' },
      '/state/tailproxy/https-control.example-etc',
    ],
  ] as const)('%s', ([, controlUrl, env, directory]) => {
    expect(defaultStateDirectory(controlUrl, env)).toBe(directory)
  })

  test.for([
    ['work', '', '/state/tailproxy/profiles/work'],
    ['work', 'https://control.example/', '/state/tailproxy/profiles/work@https-control.example'],
    ['', '', '/state/tailproxy/default'],
  ] as const)('is of the profile "%s" at "%s"', ([profile, controlUrl, directory]) => {
    const env = { XDG_STATE_HOME: '/state' }
    expect(defaultStateDirectory(controlUrl, env, profile)).toBe(directory)
  })

  test('keeps no name or password of the control URL in its name', () => {
    const directory = defaultStateDirectory('https://user:secret@control.example/', { HOME: '/u' })
    expect(directory).not.toContain('secret')
  })

  test('is nowhere when HOME is relative', () => {
    expect(errorOf(() => defaultStateDirectory('', { HOME: 'home' }))).toMatchObject(UNUSABLE)
  })
})

test('is made for us alone, with what leads to it', ({ directory }) => {
  const state = path.join(directory, 'a/b')
  claimStateDirectory(state)
  claimStateDirectory(state)
  for (const each of [state, path.dirname(state)]) expect(statSync(each).mode & 0o777).toBe(0o700)
})

test('may be relative', ({ directory }) => {
  mkdirSync(path.join(directory, 'state'), { mode: 0o700 })
  claimStateDirectory(path.relative(process.cwd(), path.join(directory, 'state')))
})

test.for([0o755, 0o750, 0o701, 0o777])('may not be open to others: %o', (mode, { directory }) => {
  const state = path.join(directory, 'state')
  mkdirSync(state)
  chmodSync(state, mode)
  expect(errorOf(() => claimStateDirectory(state))).toMatchObject({
    ...UNUSABLE,
    message: expect.stringContaining(`(mode 0${mode.toString(8)})`),
  })
})

test.for(['', '/'])('may not be a link, written "link%s"', (slash, { directory }) => {
  const target = path.join(directory, 'target')
  mkdirSync(target, { mode: 0o700 })
  symlinkSync(target, path.join(directory, 'link'))
  expect(errorOf(() => claimStateDirectory(path.join(directory, 'link') + slash))).toMatchObject({
    ...UNUSABLE,
    message: expect.stringContaining('symbolic link'),
  })
})

test('may not be of another user', ({ directory }) => {
  const state = path.join(directory, 'state')
  mkdirSync(state, { mode: 0o700 })
  const owner = process.geteuid?.() ?? 0
  vi.spyOn(process, 'geteuid').mockReturnValue(owner + 1)
  expect(errorOf(() => claimStateDirectory(state))).toMatchObject({
    ...UNUSABLE,
    message: expect.stringContaining(`belongs to user ${owner}, not to us (${owner + 1})`),
  })
})

test.for([
  ['a file', (state: string) => writeFileSync(state, '')],
  ['a link to nowhere', (state: string) => symlinkSync('/nonexistent', state)],
] as const)('may not be %s', ([, make], { directory }) => {
  const state = path.join(directory, 'state')
  make(state)
  expect(errorOf(() => claimStateDirectory(state))).toMatchObject(UNUSABLE)
})

test('says why it cannot be made', ({ directory }) => {
  const file = path.join(directory, 'file')
  writeFileSync(file, '')
  expect(errorOf(() => claimStateDirectory(path.join(file, 'state')))).toMatchObject({
    ...UNUSABLE,
    message: `cannot use the state directory ${file}/state: it, or a part of its path, is not a directory; name another with --state-dir`,
    cause: expect.objectContaining({ code: 'ENOTDIR' }),
  })
  rmSync(file)
})

test('a place where no directory can be made is said, not waited for', () => {
  expect(() => claimStateDirectory('/proc/tailproxy/state')).toThrow(
    expect.objectContaining({
      ...UNUSABLE,
      message: expect.stringContaining('no directory can be made there'),
    }),
  )
})
