import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, truncateSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { expect } from 'vitest'
import { place, test } from '../testing/directory.ts'
import { EM_AARCH64, EM_X86_64, elfFile } from '../testing/elf-file.ts'
import { type Demands, findDefect } from './find-defect.ts'

const program: Demands = {
  architecture: process.arch,
  executable: true,
  allowScript: false,
}
const library: Demands = { ...program, executable: false }
const canMount = spawnSync('unshare', ['--map-root-user', '--mount', 'true']).status === 0

test('finds nothing wrong with the program that runs this test', () => {
  expect(findDefect(process.execPath, program)).toBeUndefined()
})

test('finds nothing wrong with a library that is not executable', ({ root }) => {
  expect(findDefect(place(path.join(root, 'a.so'), elfFile(), 0o444), library)).toBeUndefined()
})

test('says that a file is missing', ({ root }) => {
  const missing = { kind: 'absent', found: 'is missing' }
  expect(findDefect(path.join(root, 'nothing'), program)).toEqual(missing)
  const file = place(path.join(root, 'file'), '')
  expect(findDefect(path.join(file, 'below'), program)).toEqual(missing)
})

test('says that a directory or a FIFO is no file', ({ root }) => {
  const fifo = path.join(root, 'fifo')
  execFileSync('mkfifo', [fifo])
  for (const file of [root, fifo]) {
    expect(findDefect(file, library)).toEqual({ kind: 'absent', found: 'is not a file' })
  }
})

test('says that a program may not be executed, with its mode', ({ root }) => {
  expect(findDefect(place(path.join(root, 'a'), elfFile(), 0o644), program)).toEqual({
    kind: 'forbidden',
    found: 'may not be executed by this user (its mode is 644)',
  })
})

test('says that a file may not be read', ({ root }) => {
  const file = place(path.join(root, 'secret'), elfFile(), 0o100)
  const asNobody = () => {
    if (process.geteuid?.() !== 0) return findDefect(file, program)
    execFileSync('chmod', ['755', root])
    process.seteuid?.(65_534)
    try {
      return findDefect(file, program)
    } finally {
      process.seteuid?.(0)
    }
  }
  expect(asNobody()).toEqual({ kind: 'forbidden', found: 'may not be read by this user' })
})

test.skipIf(!canMount)(
  `says that a program is on a file system mounted noexec${canMount ? '' : ' (skipped: needs mount namespaces)'}`,
  async ({ root }) => {
    const source = place(path.join(root, 'program'), elfFile())
    const mounted = path.join(root, 'mounted')
    mkdirSync(mounted)
    const script =
      'mount -t tmpfs -o noexec none "$2" && cp "$1" "$2/program" && echo ready && read -r _'
    const words = ['sh', '-c', script, 'sh', source, mounted]
    const holder = spawn('unshare', ['--map-root-user', '--mount', ...words], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    try {
      await Promise.race([once(holder.stdout, 'data'), once(holder, 'close')])
      // The mount is in a namespace of its own, into which this path leads: proc_pid_root(5).
      const file = path.join(`/proc/${holder.pid}/root`, mounted, 'program')
      expect(findDefect(file, library)).toBeUndefined()
      expect(findDefect(file, program)).toEqual({
        kind: 'noexec',
        found: 'is on a file system mounted noexec',
      })
    } finally {
      holder.stdin.end()
      await once(holder, 'close')
    }
  },
)

test.for([
  ['empty', ''],
  ['a page of a proxy', '<html>502 Bad Gateway</html>'],
  ['a pointer of Git LFS', 'version https://git-lfs.github.com/spec/v1\n'],
  ['a script', '#!/bin/sh\n'],
  ['cut within its headers', elfFile().subarray(0, 70)],
] as const)('says that a file is no whole ELF file: %s', ([, content], { root }) => {
  const file = place(path.join(root, 'a'), content)
  expect(findDefect(file, program)).toEqual({
    kind: 'broken',
    found: `is no whole ELF file (it has ${content.length} bytes)`,
  })
})

test('takes a script where one will do', ({ root }) => {
  const file = place(path.join(root, 'wrapper'), '#!/bin/sh\n')
  expect(findDefect(file, { ...program, allowScript: true })).toBeUndefined()
})

test('says that a file is cut short wherever it is, and how long it should be', ({ root }) => {
  const whole = readFileSync('/bin/sh')
  const file = place(path.join(root, 'sh'), whole)
  expect(findDefect(file, program)).toBeUndefined()
  for (const length of [whole.length - 1, whole.length >> 1, 4096]) {
    truncateSync(file, length)
    expect(findDefect(file, program)).toMatchObject({
      kind: 'broken',
      found: expect.stringContaining(`is cut short: it has ${length} bytes, and by its headers `),
    })
  }
})

test.for([
  [EM_X86_64, 'x64', 'arm64'],
  [EM_AARCH64, 'arm64', 'x64'],
] as const)('says that a file is for another machine: %i', ([machine, its, here], { root }) => {
  const file = place(path.join(root, 'a'), elfFile({ machine }))
  expect(findDefect(file, { ...program, architecture: its })).toBeUndefined()
  expect(findDefect(file, { ...program, architecture: here })).toEqual({
    kind: 'foreign',
    found: `is for ${its}, and this machine is ${here}`,
  })
})
