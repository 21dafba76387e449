import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { lacks, named } from '@tailproxy/e2e/support/needs.ts'
import { Sidecar } from '@tailproxy/sidecar'
import manifest from '@tailproxy/sidecar/package.json' with { type: 'json' }
import { test as base, expect } from 'vitest'
import { libraryFile, sidecarFile } from '../support/platform-packages.ts'

const SYSROOT = '/usr/aarch64-linux-gnu'

const test = base.extend<{ directory: string }>({
  directory: async ({}, use) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'emulated-'))
    await use(directory)
    rmSync(directory, { recursive: true })
  },
})

const QEMU = ['qemu-aarch64']

test.skipIf(lacks(...QEMU))(
  named('the sidecar for arm64 starts there, and says hello on its channel', ...QEMU),
  async ({ directory }) => {
    const wrapper = path.join(directory, 'sidecar')
    const script = `#!/bin/sh\nexec qemu-aarch64 "${sidecarFile('arm64')}" "$@"\n`
    writeFileSync(wrapper, script, { mode: 0o755 })
    const sidecar = await Sidecar.spawn({ binary: wrapper, helloTimeout: 120_000 })
    try {
      expect(sidecar.hello).toMatchObject({ version: manifest.version, role: 'node' })
    } finally {
      await sidecar.stop()
    }
  },
)

test.skipIf(lacks(...QEMU))(named('it knows its version', ...QEMU), () => {
  const { stdout } = spawnSync('qemu-aarch64', [sidecarFile('arm64'), 'version'], {
    encoding: 'utf8',
  })
  expect(stdout).toMatch(`tailproxy-sidecar ${manifest.version} (tailscale `)
})

const COMPILER = 'aarch64-linux-gnu-gcc'

test.skipIf(lacks(COMPILER, ...QEMU))(
  named(
    'the library for arm64 is loaded into a program there, in front of its libc',
    COMPILER,
    ...QEMU,
  ),
  ({ directory }) => {
    const source = path.join(directory, 'whose.c')
    const program = path.join(directory, 'whose')
    writeFileSync(
      source,
      `#define _GNU_SOURCE
       #include <dlfcn.h>
       #include <stdio.h>
       int main(void) {
         Dl_info info;
         if (!dladdr(dlsym(RTLD_DEFAULT, "connect"), &info)) return 1;
         return puts(info.dli_fname) < 0;
       }`,
    )
    execFileSync(COMPILER, ['-o', program, source, '-ldl'])
    const library = libraryFile('arm64')
    const options = ['-L', SYSROOT, '-E', `LD_PRELOAD=${library}`, program]
    const { stdout, stderr } = spawnSync('qemu-aarch64', options, { encoding: 'utf8' })
    expect({ stdout, stderr }).toEqual({ stdout: `${library}\n`, stderr: '' })
  },
)
