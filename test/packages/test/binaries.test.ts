import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { lacks, named } from '@tailproxy/e2e/support/needs.ts'
import { readElfHeader } from '@tailproxy/native-binary'
import { expect, test } from 'vitest'
import {
  ARCHITECTURES,
  compilerLacking,
  libraryFile,
  sidecarFile,
  withLibrary,
} from '../support/platform-packages.ts'

function headerOf(file: string) {
  const descriptor = openSync(file, 'r')
  try {
    return readElfHeader((position, length) => {
      const bytes = Buffer.alloc(length)
      return bytes.subarray(0, readSync(descriptor, bytes, 0, length, position))
    })
  } finally {
    closeSync(descriptor)
  }
}

function readelf(file: string, ...options: string[]): string {
  const { status, stdout, stderr } = spawnSync('readelf', ['--wide', ...options, file], {
    encoding: 'utf8',
  })
  expect(status, stderr).toBe(0)
  return stdout
}

for (const architecture of ARCHITECTURES) {
  const sidecar = sidecarFile(architecture)
  const library = libraryFile(architecture)
  const cannotRead = lacks('readelf')
  const isNotBuilt = compilerLacking(architecture).length > 0

  test(`the sidecar for ${architecture} is a whole program of that machine, which asks for no interpreter`, () => {
    expect(headerOf(sidecar)).toMatchObject({ bits: 64, architecture, dynamic: false })
    expect(statSync(sidecar).size).toBeGreaterThanOrEqual(headerOf(sidecar)?.extent ?? Infinity)
    expect(statSync(sidecar).mode & 0o777).toBe(0o755)
  })

  test.skipIf(cannotRead)(
    named(
      `the sidecar for ${architecture} needs no library, is stripped and has build ids`,
      'readelf',
    ),
    () => {
      expect(readelf(sidecar, '--program-headers')).not.toMatch(/INTERP|DYNAMIC/)
      expect(readelf(sidecar, '--section-headers')).not.toMatch(/\.symtab|\.debug_|\.zdebug_/)
      const notes = readelf(sidecar, '--notes')
      expect(notes).toMatch(/GO BUILDID/)
      expect(notes).toMatch(/Build ID: [0-9a-f]{40}/)
    },
  )

  test.skipIf(isNotBuilt)(
    withLibrary(`the library for ${architecture} is one of that machine`, architecture),
    () => {
      expect(headerOf(library)).toMatchObject({ bits: 64, architecture, dynamic: false })
    },
  )

  test.skipIf(cannotRead || isNotBuilt)(
    withLibrary(
      `the library for ${architecture} asks for no library and for no version of one, so that no libc is too old`,
      architecture,
      'readelf',
    ),
    () => {
      expect(readelf(library, '--dynamic')).not.toMatch(/\((NEEDED|VERNEED|VERNEEDNUM|VERSYM)\)/)
      expect(readelf(library, '--version-info')).toMatch(/No version information found/)
      expect(readelf(library, '--dyn-syms')).not.toMatch(/@/)
    },
  )

  test.skipIf(cannotRead || isNotBuilt)(
    withLibrary(
      `the library for ${architecture} is stripped and has a build id`,
      architecture,
      'readelf',
    ),
    () => {
      expect(readelf(library, '--section-headers')).not.toMatch(/\.symtab|\.debug_/)
      expect(readelf(library, '--notes')).toMatch(/Build ID: [0-9a-f]{40}/)
    },
  )

  test.skipIf(cannotRead || isNotBuilt)(
    withLibrary(
      `the library for ${architecture} can be mapped with the largest pages of that machine`,
      architecture,
      'readelf',
    ),
    () => {
      const loads = readelf(library, '--program-headers').matchAll(/^ +LOAD .* 0x([0-9a-f]+)$/gm)
      const alignments = [...loads].map(([, alignment = '']) => Number.parseInt(alignment, 16))
      const largest = { x64: 4096, arm64: 65_536 }[architecture]
      expect(alignments).not.toEqual([])
      for (const alignment of alignments) expect(alignment).toBe(largest)
    },
  )
}
