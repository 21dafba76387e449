import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { test as base, expect } from 'vitest'
import { pack } from '../../../scripts/pack.mjs'
import {
  ARCHITECTURES,
  compilerLacking,
  packageDirectory,
  ROOT,
  withLibrary,
} from '../support/platform-packages.ts'

const test = base.extend<{ directory: string }>({
  directory: async ({}, use) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'contents-'))
    await use(directory)
    rmSync(directory, { recursive: true })
  },
})

/** The manifest in the tarball of a package; what else is there is looked at in test/registry. */
async function packed(name: string, directory: string) {
  const { tarball } = await pack(packageDirectory(name), directory)
  const manifest = execFileSync('tar', ['-xOzf', tarball, 'package/package.json'], {
    encoding: 'utf8',
  })
  return JSON.parse(manifest)
}

for (const architecture of ARCHITECTURES) {
  for (const kind of ['sidecar', 'preload'] as const) {
    const name = `${kind}-linux-${architecture}`
    const isNotBuilt = kind === 'preload' && compilerLacking(architecture).length > 0
    const named = (title: string) => (isNotBuilt ? withLibrary(title, architecture) : title)

    test.skipIf(isNotBuilt)(
      named(`@tailproxy/${name} is for its platform alone`),
      async ({ directory }) => {
        const manifest = await packed(name, directory)
        expect(manifest).toMatchObject({ os: ['linux'], cpu: [architecture] })
        expect(manifest.dependencies).toBeUndefined()
      },
    )

    test.skipIf(isNotBuilt)(named(`@tailproxy/${name} passes the checks of every package`), () => {
      const check = path.join(ROOT, 'scripts/check-package.mjs')
      execFileSync(process.execPath, [check], { cwd: packageDirectory(name) })
    })
  }
}

test.for([
  ['cli', ['preload-linux-arm64', 'preload-linux-x64', 'sidecar-linux-arm64', 'sidecar-linux-x64']],
  ['preload', ['preload-linux-arm64', 'preload-linux-x64']],
  ['sidecar', ['sidecar-linux-arm64', 'sidecar-linux-x64']],
] as const)(
  '@tailproxy/%s takes its binaries in exactly its own version',
  async ([name, binaries], { directory }) => {
    const manifest = await packed(name, directory)
    expect(manifest.optionalDependencies).toEqual(
      Object.fromEntries(binaries.map((binary) => [`@tailproxy/${binary}`, manifest.version])),
    )
  },
)
