import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, vi } from 'vitest'
import { findLibrary, placeLibrary } from '../src/index.ts'
import { test } from '../src/testing/directory.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Runs the first example of the README as it stands there. */
async function runExample(): Promise<void> {
  const readme = await readFile(path.join(root, 'README.md'), 'utf8')
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
  const directory = await mkdtemp(path.join(root, 'test/.readme-'))
  try {
    const file = path.join(directory, 'example.ts')
    await writeFile(file, example)
    await import(pathToFileURL(file).href)
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** A library that every Node has loaded, so that to load it before all others changes nothing. */
async function harmlessLibrary(directory: string): Promise<string> {
  const report = process.report.getReport() as unknown as { sharedObjects: string[] }
  const loaded = report.sharedObjects.find((file) => /\/libm[.-]/.test(file)) ?? process.execPath
  const file = path.join(directory, 'libtailproxy.so')
  // With something of its own behind it, so that it is placed under a name of its own.
  await writeFile(file, Buffer.concat([await readFile(loaded), Buffer.from(directory)]))
  return file
}

test('the first example of the README runs as pasted and prints what it says', async ({
  directory,
}) => {
  vi.stubEnv('TAILPROXY_PRELOAD_LIBRARY', await harmlessLibrary(directory))
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  try {
    await runExample()
  } finally {
    await rm(placeLibrary(findLibrary()), { force: true })
  }
  expect(log.mock.calls).toEqual([[0]])
})
