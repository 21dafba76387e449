import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { asNobody, place, test } from '../testing/directory.ts'
import { findCommand } from './find-command.ts'

const NOT_FOUND = expect.objectContaining({ code: 'ERR_COMMAND_NOT_FOUND' })
const NOT_EXECUTABLE = expect.objectContaining({ code: 'ERR_COMMAND_NOT_EXECUTABLE' })

function makeDirectory(...parts: string[]): string {
  const directory = path.join(...parts)
  mkdirSync(directory)
  return directory
}

test('takes the first executable file on the path', ({ directory }) => {
  const first = makeDirectory(directory, 'first')
  const second = makeDirectory(directory, 'second')
  place(path.join(second, 'tool'), '')
  const searched = `${directory}/nowhere:${first}:${second}`
  expect(findCommand('tool', searched)).toBe(`${second}/tool`)
  place(path.join(first, 'tool'), '')
  expect(findCommand('tool', searched)).toBe(`${first}/tool`)
})

test('goes past a file that may not be executed, and past a directory', ({ directory }) => {
  const first = makeDirectory(directory, 'first')
  const second = makeDirectory(directory, 'second')
  const third = makeDirectory(directory, 'third')
  place(path.join(first, 'tool'), '', 0o644)
  makeDirectory(second, 'tool')
  place(path.join(third, 'tool'), '')
  expect(findCommand('tool', `${first}:${second}:${third}`)).toBe(`${third}/tool`)
})

test('says "not executable" when nothing better was on the path', ({ directory }) => {
  place(path.join(directory, 'tool'), '', 0o644)
  expect(() => findCommand('tool', `${directory}:/nonexistent`)).toThrow(NOT_EXECUTABLE)
})

test('says "not found" when it is nowhere', ({ directory }) => {
  expect(() => findCommand('tool', directory)).toThrow(NOT_FOUND)
})

test('searches /bin and /usr/bin without a path', () => {
  expect(findCommand('sh', undefined)).toMatch(/^(\/usr)?\/bin\/sh$/)
})

test.for(['', ':/nonexistent', '/nonexistent:', '/nonexistent::/nonexistent'])(
  'takes an empty part of the path "%s" for the current directory',
  (searched, { directory }) => {
    place(path.join(directory, 'tool'), '')
    const before = process.cwd()
    process.chdir(directory)
    try {
      expect(findCommand('tool', searched)).toBe('./tool')
    } finally {
      process.chdir(before)
    }
  },
)

test('searches no path for a command with a slash', ({ directory }) => {
  const file = place(path.join(directory, 'tool'), '')
  expect(findCommand(file, '/nonexistent')).toBe(file)
  expect(() => findCommand('./no-such-tool', directory)).toThrow(NOT_FOUND)
})

test.for([
  ['a directory', (file: string) => makeDirectory(file)],
  ['a file without x bits', (file: string) => place(file, '', 0o644)],
  ['a FIFO', (file: string) => execFileSync('mkfifo', ['-m', '755', file])],
] as const)('does not execute %s', ([, make], { directory }) => {
  const file = path.join(directory, 'tool')
  make(file)
  expect(() => findCommand(file, undefined)).toThrow(NOT_EXECUTABLE)
})

test.for(['', 'no-such-directory/tool'])('does not find "%s"', (command, { directory }) => {
  expect(() => findCommand(command, directory)).toThrow(NOT_FOUND)
})

test('does not find what lies behind a file', ({ directory }) => {
  const file = place(path.join(directory, 'file'), '')
  expect(() => findCommand(`${file}/tool`, undefined)).toThrow(NOT_FOUND)
  expect(() => findCommand('tool', file)).toThrow(NOT_FOUND)
})

test('follows links as the kernel does, not by the text of the path', ({ directory }) => {
  const real = makeDirectory(directory, 'real')
  const inside = makeDirectory(real, 'inside')
  place(path.join(real, 'tool'), '')
  symlinkSync(inside, path.join(directory, 'link'))
  expect(findCommand('tool', `${directory}/link/..`)).toBe(`${directory}/link/../tool`)
})

test('does not look into a directory that we may not search', ({ directory }) => {
  const closed = makeDirectory(directory, 'closed')
  place(path.join(closed, 'tool'), '')
  chmodSync(closed, 0o600)
  asNobody(() => expect(() => findCommand('tool', closed)).toThrow(NOT_EXECUTABLE))
  chmodSync(closed, 0o700)
})
