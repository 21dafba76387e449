import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EM_AARCH64, EM_X86_64, elfFile, PT_INTERP, PT_LOAD } from '../testing/elf-file.ts'
import { isElf, readElfHeader } from './elf.ts'

function read(bytes: Uint8Array) {
  return readElfHeader((position, length) => bytes.subarray(position, position + length))
}

test.for([
  [64, true, EM_X86_64, 'x64'],
  [64, true, EM_AARCH64, 'arm64'],
  [64, false, 22, '22'],
  [32, true, 3, 'ia32'],
  [32, true, 40, 'arm'],
  [32, false, 8, '8'],
  [32, true, EM_X86_64, 'x64'],
] as const)(
  'reads a %i-bit header, little-endian: %s, machine %i',
  ([bits, little, machine, architecture]) => {
    expect(read(elfFile({ bits, little, machine }))).toMatchObject({
      ...{ bits, architecture, dynamic: true },
    })
  },
)

test('calls a program without an interpreter not dynamic', () => {
  expect(read(elfFile({ programHeaders: [PT_LOAD, PT_LOAD] }))).toMatchObject({ dynamic: false })
  expect(read(elfFile({ programHeaders: [] }))).toMatchObject({ dynamic: false })
})

test('finds the program headers far behind, where patchelf puts them', () => {
  const bytes = elfFile({ programHeadersAt: 1_000_000, programHeaders: [PT_INTERP] })
  expect(read(bytes)).toMatchObject({ dynamic: true })
})

test('reads the program that runs this test', () => {
  expect(read(readFileSync(process.execPath))).toMatchObject({
    bits: 64,
    architecture: process.arch,
    dynamic: true,
  })
})

test('reads the shell', () => {
  expect(read(readFileSync('/bin/sh'))).toMatchObject({ bits: 64, architecture: process.arch })
})

test.for(['/bin/sh', process.execPath])('knows how long %s has to be', (file) => {
  const bytes = readFileSync(file)
  const extent = read(bytes)?.extent ?? Number.NaN
  // Something may lie behind what the headers tell of, such as a signature.
  expect(extent).toBeLessThanOrEqual(bytes.length)
  expect(extent).toBeGreaterThan(bytes.length * 0.9)
})

test('counts what the program headers cover', () => {
  expect(read(elfFile({ covered: 10_000 }))).toMatchObject({ extent: 10_000 })
})

test('has nothing to say of a file whose headers are cut short anywhere', () => {
  const bytes = elfFile()
  for (const cut of bytes.keys()) expect(read(bytes.subarray(0, cut))).toBeUndefined()
})

test('has nothing to say of a file that is not ELF', () => {
  expect(read(Buffer.from(`#!/bin/sh\n${' '.repeat(100)}`))).toBeUndefined()
  expect(isElf(Buffer.from('#!/bin/sh'))).toBe(false)
})

test('does not read a table of program headers that Linux would not', () => {
  const large = elfFile()
  large.writeUInt16LE(2000, 56)
  expect(read(large)).toBeUndefined()
  const narrow = elfFile()
  narrow.writeUInt16LE(8, 54)
  expect(read(narrow)).toBeUndefined()
  const nowhere = elfFile()
  nowhere.writeBigUInt64LE(2n ** 64n - 1n, 32)
  expect(read(nowhere)).toBeUndefined()
})

test('never throws, whatever the bytes', () => {
  const magic = Buffer.from([0x7f, 0x45, 0x4c, 0x46])
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }).map((rest) => Buffer.concat([magic, rest])),
    fc.tuple(fc.nat(119), fc.nat(255)).map(([at, value]) => elfFile().fill(value, at, at + 1)),
  )
  fc.assert(
    fc.property(anything, (bytes) => {
      const header = read(bytes)
      expect(header === undefined || [32, 64].includes(header.bits)).toBe(true)
    }),
  )
})
