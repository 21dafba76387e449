import { appendFileSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { placeLibrary } from '@tailproxy/preload'
import { type FakeSidecarBehaviour, fakeSidecar } from '@tailproxy/sidecar/fake'
import { test as base, vi } from 'vitest'

interface Surroundings {
  /** Says how the sidecars that are started from here on behave. */
  behave: (behaviour: FakeSidecarBehaviour) => void
  /** The library that commands are given: one that does nothing. */
  library: string
  /** What this process said so far. */
  said: { stdout: string; stderr: string }
}

/** A test in an environment of its own: a home, a fake sidecar, a library without effect. */
export const test = base.extend<{ directory: string; surroundings: Surroundings }>({
  directory: async ({}, use) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'cli-'))
    await use(directory)
    rmSync(directory, { recursive: true })
  },
  surroundings: async ({ directory }, use) => {
    for (const name of Object.keys(process.env)) {
      if (/^(TAILPROXY|TS)_/.test(name)) vi.stubEnv(name, undefined)
    }
    const library = makeLibrary(directory)
    vi.stubEnv('XDG_STATE_HOME', path.join(directory, 'state'))
    vi.stubEnv('XDG_CONFIG_HOME', path.join(directory, 'config'))
    vi.stubEnv('TAILPROXY_SIDECAR', makeSidecar(directory))
    vi.stubEnv('TAILPROXY_PRELOAD_LIBRARY', library)
    const behave = (behaviour: FakeSidecarBehaviour) => {
      vi.stubEnv('FAKE_SIDECAR', fakeSidecar(behaviour).env['FAKE_SIDECAR'])
    }
    behave({})
    // A session in the background outlives a test; those about it say so.
    vi.stubEnv('TAILPROXY_FOREGROUND', '1')
    const said = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      vi.spyOn(process[name], 'write').mockImplementation((text) => {
        said[name] += text
        return true
      })
    }
    await use({ behave, library, said })
    rmSync(placeLibrary(library), { force: true })
  },
})

/** An executable, as TAILPROXY_SIDECAR wants one. */
function makeSidecar(directory: string): string {
  const file = path.join(directory, 'sidecar')
  const { binary, args } = fakeSidecar()
  writeFileSync(file, `#!/bin/sh\nexec "${binary}" "${args[0]}" "$@"\n`, { mode: 0o755 })
  return file
}

/** A library that is loaded already, so that to load it before all others changes nothing. */
function makeLibrary(directory: string): string {
  const report = process.report.getReport() as unknown as { sharedObjects: string[] }
  const loaded = report.sharedObjects.find((file) => /\/libm[.-]/.test(file))
  const file = path.join(directory, 'libtailproxy.so')
  copyFileSync(loaded ?? process.execPath, file)
  // Of its own content, so that it is placed under a name of its own.
  appendFileSync(file, directory)
  return file
}
