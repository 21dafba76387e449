import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { test as base } from 'vitest'
import { pack } from '../../../scripts/pack.mjs'
import { type Architecture, packageDirectory } from './platform-packages.ts'

/** The command with what an installation brings for this machine, in a directory of its own. */
export interface Installation {
  /** Has a space and a colon in its path, which ld.so could not be given. */
  directory: string
  sidecar: string
  library: string
  /** Adds the package of another platform. */
  add: (name: string) => Promise<void>
  /** Takes an installed package out, by the end of its name. */
  remove: (name: string) => void
  /** Runs `tailproxy`, with nothing of this environment that could help it. */
  tailproxy: (words: readonly string[], env?: NodeJS.ProcessEnv) => Outcome
  /** The same, with one file system of the installation mounted noexec. */
  tailproxyNoexec: (words: readonly string[]) => Outcome
}

interface Outcome {
  status: number | null
  stdout: string
  stderr: string
}

export const HERE = process.arch as Architecture

export const test = base.extend<{ packed: string; installation: Installation }>({
  packed: [
    async ({}, use) => {
      const packed = mkdtempSync(path.join(tmpdir(), 'packed-'))
      for (const name of ['cli', `sidecar-linux-${HERE}`, `preload-linux-${HERE}`]) {
        await unpack(name, packed)
      }
      await use(packed)
      rmSync(packed, { recursive: true })
    },
    { scope: 'file' },
  ],
  installation: async ({ packed }, use) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'installed here: '))
    const scope = path.join(directory, 'node_modules/@tailproxy')
    cpSync(packed, scope, { recursive: true })
    const installation = installationIn(directory, scope)
    await use(installation)
    // Where a test failed, a session may be left.
    installation.tailproxy(['down'])
    rmSync(directory, { recursive: true })
  },
})

/** As a package manager puts it there. */
async function unpack(name: string, scope: string): Promise<void> {
  const { tarball } = await pack(packageDirectory(name), scope)
  const target = path.join(scope, name)
  mkdirSync(target)
  execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', target])
  rmSync(tarball)
}

function installationIn(directory: string, scope: string): Installation {
  const main = path.join(scope, 'cli/bin/tailproxy.cjs')
  const env = {
    PATH: process.env['PATH'],
    HOME: directory,
    XDG_STATE_HOME: path.join(directory, 'state'),
    XDG_CONFIG_HOME: path.join(directory, 'config'),
    // Nobody's: what starts against expectation finds no control server.
    TAILPROXY_CONTROL_URL: 'http://127.0.0.1:9',
  }
  const run = (command: string, words: readonly string[], extra: NodeJS.ProcessEnv = {}) => {
    const { status, stdout, stderr } = spawnSync(command, words, {
      cwd: directory,
      encoding: 'utf8',
      env: { ...env, ...extra },
      timeout: 120_000,
    })
    return { status, stdout, stderr }
  }
  return {
    directory,
    sidecar: path.join(scope, `sidecar-linux-${HERE}/bin/tailproxy-sidecar`),
    library: path.join(scope, `preload-linux-${HERE}/lib/libtailproxy.so`),
    add: (name) => unpack(name, scope),
    remove: (name) => rmSync(path.join(scope, name), { recursive: true }),
    tailproxy: (words, extra) => run(process.execPath, [main, ...words], extra),
    tailproxyNoexec: (words) => {
      const mount =
        'mount --bind "$1" "$1" && mount -o remount,bind,noexec "$1" && shift && exec "$@"'
      return run('unshare', [
        ...['--map-root-user', '--mount', 'sh', '-c', mount, 'sh'],
        ...[scope, process.execPath, main, ...words],
      ])
    },
  }
}
