import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { buildFlags, root as sidecar } from '../../../sidecar/scripts/go.mjs'
import { GoError, go } from './go.ts'

const MODULE = 'github.com/juanfont/headscale'
const VERSION = 'v0.29.0'
/** As a go.sum has it: these tests were written for that source and no other. */
const SUM = 'h1:HKMNqWqkfVe0daCSAvIgQYFPiO8OvsEQAYGcXLI2TqI='
const FLAGS = ['-mod=readonly', '-trimpath', '-buildvcs=false']

const dist = fileURLToPath(new URL('../dist', import.meta.url))

export interface Binaries {
  fixture: string
  /** Undefined where it cannot be downloaded. */
  headscale: string | undefined
}

declare module 'vitest' {
  interface ProvidedContext {
    binaries: Binaries
  }
}

/** Vitest runs this once before all tests. */
export default async function setup(project: TestProject): Promise<void> {
  await mkdir(dist, { recursive: true })
  const fixture = path.join(dist, 'tailproxy-fixture')
  await go(sidecar, ['build', ...buildFlags, '-o', fixture, './cmd/tailproxy-fixture'])
  project.provide('binaries', { fixture, headscale: await findHeadscale() })
}

/** It is built once for each of its versions and each of Go's. */
async function findHeadscale(): Promise<string | undefined> {
  const goVersion = (await go(dist, ['env', 'GOVERSION'])).trim()
  const binary = path.join(dist, `headscale-${VERSION}-${goVersion}`)
  if (existsSync(binary)) return binary
  const source = await download()
  if (source === undefined) return undefined
  for (const name of await readdir(dist)) {
    if (name.startsWith('headscale-')) await rm(path.join(dist, name))
  }
  console.log(`building headscale ${VERSION}, which takes minutes the first time`)
  // Of its own name: another run in this clone may build it at the same time.
  const built = `${binary}.${process.pid}`
  await go(source, ['build', ...FLAGS, '-ldflags=-s -w', '-o', built, './cmd/headscale'])
  await rename(built, binary)
  return binary
}

/**
 * Downloads headscale and all that it is built from, and returns its directory in the module cache. `go install` would do the
 * same, but asks for a list of versions first, and not every module proxy has one.
 */
async function download(): Promise<string | undefined> {
  let answer: string
  try {
    answer = await go(dist, ['mod', 'download', '-json', `${MODULE}@${VERSION}`])
    await go((JSON.parse(answer) as { Dir: string }).Dir, [
      'list',
      '-deps',
      ...FLAGS,
      './cmd/headscale',
    ])
  } catch (error) {
    if (!(error instanceof GoError)) throw error
    console.log(`no headscale, so its tests are skipped: ${error.message}`)
    return undefined
  }
  const { Dir, Sum } = JSON.parse(answer) as { Dir: string; Sum: string }
  if (Sum !== SUM) throw new Error(`${MODULE} ${VERSION} has the sum ${Sum}, and not ${SUM}`)
  return Dir
}
