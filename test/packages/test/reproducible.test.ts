import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { test as base, expect } from 'vitest'
import {
  ARCHITECTURES,
  type Architecture,
  compilerLacking,
  libraryFile,
  packageDirectory,
  ROOT,
  sidecarFile,
  withLibrary,
} from '../support/platform-packages.ts'

/** What nobody committed, and what a copy has to be built without. */
const LEFT_OUT = new Set(['dist', 'build', 'bin', 'lib', 'node_modules', 'test-results', '.turbo'])

/** The sources at another path, with as much of the workspace around them as building them takes. */
const test = base.extend<{ copy: string }>({
  copy: async ({}, use) => {
    const copy = mkdtempSync(path.join(tmpdir(), 'another place-'))
    for (const part of [
      'native/preload',
      'scripts',
      'sidecar',
      'packages/sidecar/package.json',
      ...ARCHITECTURES.flatMap((architecture) => [
        `packages/preload-linux-${architecture}`,
        `packages/sidecar-linux-${architecture}`,
      ]),
    ]) {
      mkdirSync(path.dirname(path.join(copy, part)), { recursive: true })
      cpSync(path.join(ROOT, part), path.join(copy, part), {
        recursive: true,
        filter: (file) => !LEFT_OUT.has(path.basename(file)),
      })
    }
    await use(copy)
    rmSync(copy, { recursive: true })
  },
})

/** Assembles a package of the copy, in an environment that tries to interfere. */
function assemble(copy: string, kind: 'preload' | 'sidecar', architecture: Architecture): string {
  const directory = path.join(copy, `packages/${kind}-linux-${architecture}`)
  const script = path.join(copy, `scripts/assemble-${kind}.mjs`)
  const meddling = { CFLAGS: '-O0 -g', GOAMD64: 'v3', GOARM64: 'v8.1', TZ: 'Pacific/Kiritimati' }
  execFileSync(process.execPath, [script], {
    cwd: directory,
    env: { ...process.env, ...meddling },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return directory
}

const inPackage = (file: string, directory: string) =>
  path.join(directory, path.relative(path.dirname(path.dirname(file)), file))

for (const architecture of ARCHITECTURES) {
  // Go's cache is that of the first build: what would differ by its path or its flags is not taken from there.
  test(`the sidecar for ${architecture}, and what is said of it, come out the same from another directory`, ({
    copy,
  }) => {
    const directory = assemble(copy, 'sidecar', architecture)
    const first = sidecarFile(architecture)
    const isSame = readFileSync(inPackage(first, directory)).equals(readFileSync(first))
    expect(isSame).toBe(true)
    for (const file of ['THIRD-PARTY-LICENSES', 'sbom.cdx.json']) {
      const expected = readFileSync(
        path.join(packageDirectory(`sidecar-linux-${architecture}`), file),
        'utf8',
      )
      expect(readFileSync(path.join(directory, file), 'utf8')).toBe(expected)
    }
  })

  test.skipIf(compilerLacking(architecture).length > 0)(
    withLibrary(
      `the library for ${architecture} comes out the same from another directory`,
      architecture,
    ),
    ({ copy }) => {
      const directory = assemble(copy, 'preload', architecture)
      const first = libraryFile(architecture)
      expect(readFileSync(inPackage(first, directory)).equals(readFileSync(first))).toBe(true)
    },
  )
}
