import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, vi } from 'vitest'
import { test } from '../testing/session.ts'
import { placeSockets } from './socket-place.ts'

/** A directory below `directory` in which a socket's path is longer than the kernel takes. */
function deep(directory: string): string {
  return path.join(directory, 'd'.repeat(100))
}

test('is in the state directory', ({ directory }) => {
  const place = placeSockets(directory)
  expect(place.dials).toBe(path.join(directory, 'dial.sock'))
  place.remove()
  expect(existsSync(directory)).toBe(true)
})

test('names another control socket each time', ({ directory }) => {
  const place = placeSockets(directory)
  expect([place.session, place.nextControl(), place.nextControl()]).toEqual(
    ['session.sock', 'control-1.sock', 'control-2.sock'].map((name) => path.join(directory, name)),
  )
})

test('is named from the root, however the state directory is', ({ directory }) => {
  const relative = path.relative(process.cwd(), directory)
  expect(placeSockets(relative).dials).toBe(path.join(directory, 'dial.sock'))
})

test('is in a directory of its own where the state directory has too long a path', ({
  directory,
}) => {
  const place = placeSockets(deep(directory), { XDG_RUNTIME_DIR: directory })
  const own = path.dirname(place.dials)
  expect(path.dirname(own)).toBe(directory)
  expect(statSync(own).mode & 0o777).toBe(0o700)
  writeFileSync(place.dials, '')
  place.remove()
  expect(existsSync(own)).toBe(false)
  place.remove()
})

test('counts bytes, not characters', ({ directory }) => {
  const room = 107 - Buffer.byteLength(`${directory}//control-99999.sock`)
  const env = { XDG_RUNTIME_DIR: directory }
  const fits = path.join(directory, 'é'.repeat(Math.floor(room / 2)))
  expect(placeSockets(fits, env).dials).toBe(path.join(fits, 'dial.sock'))
  expect(placeSockets(`${fits}éé`, env).dials).not.toContain('é')
})

test.for([
  ['is not set', () => undefined],
  ['is relative', () => 'run'],
  ['is not there', (directory: string) => path.join(directory, 'nowhere')],
  ['is too long itself', deep],
] as const)('is in the temporary directory where XDG_RUNTIME_DIR %s', ([, make], { directory }) => {
  const temporary = path.join(directory, 'tmp')
  mkdirSync(temporary)
  vi.stubEnv('TMPDIR', temporary)
  const place = placeSockets(deep(directory), { XDG_RUNTIME_DIR: make(directory) })
  expect(place.dials.startsWith(`${temporary}/tailproxy-`)).toBe(true)
})

test('is in /tmp where the temporary directory is too long itself', ({ directory }) => {
  vi.stubEnv('TMPDIR', deep(directory))
  const place = placeSockets(deep(directory), {})
  onTestFinished(place.remove)
  expect(place.dials).toMatch(/^\/tmp\/tailproxy-\w{6}\/dial\.sock$/)
})
