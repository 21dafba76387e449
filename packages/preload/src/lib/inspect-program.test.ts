import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { EM_AARCH64, EM_X86_64, elfFile, PT_LOAD } from '@tailproxy/native-binary/testing'
import { expect } from 'vitest'
import { asNobody, place, test } from '../testing/directory.ts'
import { inspectProgram } from './inspect-program.ts'

const NOT_EXECUTABLE = expect.objectContaining({ code: 'ERR_COMMAND_NOT_EXECUTABLE' })

function notWrappable(reason: string) {
  return expect.objectContaining({ code: 'ERR_PRELOAD_NOT_WRAPPABLE', reason })
}

test('returns a dynamic program itself', ({ directory }) => {
  const file = place(path.join(directory, 'program'), elfFile())
  expect(inspectProgram(file)).toBe(file)
  expect(inspectProgram(process.execPath)).toBe(process.execPath)
})

test('refuses a static program', ({ directory }) => {
  const file = place(path.join(directory, 'program'), elfFile({ programHeaders: [PT_LOAD] }))
  expect(() => inspectProgram(file)).toThrow(notWrappable('static'))
})

const compiler = ['cc', 'gcc', 'clang'].find((each) => spawnSync(each, ['--version']).status === 0)

test.skipIf(!compiler)(
  'tells what a compiler made (skipped: needs a C compiler)',
  ({ directory }) => {
    const source = path.join(directory, 'main.c')
    writeFileSync(source, 'int main(void) { return 0; }\n')
    const build = (name: string, ...flags: string[]) => {
      const file = path.join(directory, name)
      const { status } = spawnSync(compiler ?? '', [...flags, source, '-o', file])
      return status === 0 ? file : undefined
    }
    const dynamic = build('dynamic')
    expect(dynamic && inspectProgram(dynamic)).toBe(dynamic)
    for (const flag of ['-static', '-static-pie']) {
      // A libc to link statically is not installed everywhere.
      const file = build(flag.slice(1), flag)
      if (file) expect(() => inspectProgram(file)).toThrow(notWrappable('static'))
    }
  },
)

test.for([
  ['of another machine', elfFile({ machine: 243 })],
  ['of 32 bits', elfFile({ bits: 32, machine: 3 })],
  ['of the x32 interface', elfFile({ bits: 32, machine: EM_X86_64 })],
] as const)('refuses a program %s', ([, content], { directory }) => {
  const file = place(path.join(directory, 'program'), content)
  expect(() => inspectProgram(file, { architecture: 'x64' })).toThrow(
    notWrappable('foreign-architecture'),
  )
})

test('asks for the architecture it is told', ({ directory }) => {
  const file = place(path.join(directory, 'program'), elfFile({ machine: EM_AARCH64 }))
  expect(inspectProgram(file, { architecture: 'arm64' })).toBe(file)
})

test('refuses a program that is set-uid of another user, not of our own', ({ directory }) => {
  const file = place(path.join(directory, 'program'), elfFile(), 0o4755)
  const uid = process.getuid?.() ?? 0
  expect(inspectProgram(file, { uid })).toBe(file)
  expect(() => inspectProgram(file, { uid: uid + 1 })).toThrow(notWrappable('set-uid'))
})

test('refuses a program that is set-gid of a group that is not ours', ({ directory }) => {
  const file = place(path.join(directory, 'program'), elfFile(), 0o2755)
  const gid = process.getgid?.() ?? 0
  expect(inspectProgram(file, { gids: [gid + 1, gid] })).toBe(file)
  expect(() => inspectProgram(file, { gids: [gid + 1] })).toThrow(notWrappable('set-gid'))
  // Without the group's x bit it marks mandatory locking, not set-gid: chmod(2).
  chmodSync(file, 0o2745)
  expect(inspectProgram(file, { gids: [gid + 1] })).toBe(file)
})

test('follows a script to its interpreter', ({ directory }) => {
  const script = place(path.join(directory, 'script'), `#!${process.execPath} --flag\n`)
  expect(inspectProgram(script)).toBe(process.execPath)
})

test.for([
  ['with spaces', (file: string) => `#! \t ${file} \targument\n`],
  ['without a newline', (file: string) => `#!${file}`],
] as const)('reads an interpreter line %s', ([, line], { directory }) => {
  const program = place(path.join(directory, 'program'), elfFile())
  expect(inspectProgram(place(path.join(directory, 'script'), line(program)))).toBe(program)
})

test('reads an interpreter whose name is not ASCII', ({ directory }) => {
  const program = place(path.join(directory, 'prógrama'), elfFile())
  expect(inspectProgram(place(path.join(directory, 'script'), `#!${program}\n`))).toBe(program)
})

test('follows a chain of scripts, and refuses what the end of it is', ({ directory }) => {
  const program = place(path.join(directory, 'program'), elfFile({ programHeaders: [] }))
  const inner = place(path.join(directory, 'inner'), `#!${program}\n`)
  const outer = place(path.join(directory, 'outer'), `#!${inner}\n`)
  expect(() => inspectProgram(outer)).toThrow(notWrappable('static'))
})

test('gives up on a script that is its own interpreter', ({ directory }) => {
  const file = path.join(directory, 'script')
  place(file, `#!${file}\n`)
  expect(() => inspectProgram(file)).toThrow(NOT_EXECUTABLE)
})

test.for(['echo hello\n', '', '#!\n', '\0\0\0\0'])(
  'takes a file that is neither ELF nor a script for one of /bin/sh: %j',
  (content, { directory }) => {
    expect(inspectProgram(place(path.join(directory, 'script'), content))).toBe('/bin/sh')
  },
)

test.for([
  ['is not there', '/no/such/interpreter'],
  ['is a directory', '/'],
  ['ends in a carriage return', `${process.execPath}\r`],
])('refuses a script whose interpreter %s', ([, interpreter], { directory }) => {
  const script = place(path.join(directory, 'script'), `#!${interpreter}\n`)
  expect(() => inspectProgram(script)).toThrow(NOT_EXECUTABLE)
})

test('does not wait for the writer of a FIFO', ({ directory }) => {
  const fifo = path.join(directory, 'fifo')
  execFileSync('mkfifo', ['-m', '755', fifo])
  const script = place(path.join(directory, 'script'), `#!${fifo}\n`)
  expect(() => inspectProgram(script)).toThrow(NOT_EXECUTABLE)
})

test('refuses a file that says it is ELF and is cut short', ({ directory }) => {
  const file = place(path.join(directory, 'program'), elfFile().subarray(0, 40))
  expect(() => inspectProgram(file)).toThrow(NOT_EXECUTABLE)
})

test('refuses a program that it cannot read', ({ directory }) => {
  const open = path.join(directory, 'open')
  mkdirSync(open)
  chmodSync(directory, 0o755)
  const file = place(path.join(open, 'program'), elfFile(), 0o111)
  asNobody(() => expect(() => inspectProgram(file)).toThrow(notWrappable('unreadable')))
})
