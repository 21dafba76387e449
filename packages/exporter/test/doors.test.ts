import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as main from '@tailproxy/exporter'
import * as server from '@tailproxy/exporter/server'
import { expect, expectTypeOf, test } from 'vitest'

const source = fileURLToPath(new URL('../src', import.meta.url))

/** What a module imports, and what that imports, as it is written. */
async function importsOf(file: string, seen = new Set<string>()): Promise<Set<string>> {
  const text = await readFile(file, 'utf8')
  for (const [, name = ''] of text.matchAll(/^(?:import|export|\}).* from '([^']+)'$/gm)) {
    const path = name.startsWith('.') ? join(dirname(file), name) : name
    if (seen.has(path)) continue
    seen.add(path)
    if (name.startsWith('.')) await importsOf(path, seen)
  }
  return seen
}

test('the main door imports nothing of Node, and neither does the table import events', async () => {
  const foreign = async (file: string) =>
    [...(await importsOf(join(source, file)))].filter((path) => !path.startsWith(source)).sort()
  expect(await foreign('index.ts')).toEqual(['@tailproxy/control-protocol', 'eventemitter3'])
  expect(await foreign('lib/export-table.ts')).toEqual(['@tailproxy/control-protocol'])
})

test('types are what a user counts on', () => {
  expectTypeOf(main.createExporter).returns.toEqualTypeOf<main.Exporter>()
  expectTypeOf<main.Owner['listen']>().returns.toEqualTypeOf<Promise<main.Outcome>>()
  expectTypeOf<main.Refusal['code']>().toEqualTypeOf<
    'denied' | 'limit' | 'taken' | 'invalid' | 'unavailable'
  >()
  expectTypeOf<main.CloseReason>().toEqualTypeOf<'closed' | 'idle' | 'lost' | 'stopped'>()
  expectTypeOf(server.serveControlSocket).returns.toEqualTypeOf<Promise<server.ControlServer>>()
})
