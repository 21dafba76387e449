import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as main from '@tailproxy/port-filter'
import * as compliance from '@tailproxy/port-filter/compliance'
import * as load from '@tailproxy/port-filter/load'
import { expect, expectTypeOf, test } from 'vitest'

const source = join(dirname(fileURLToPath(import.meta.url)), '../src')

/** Every module that is imported from a door on, by what it says after "from". */
async function importsOf(door: string, seen = new Set<string>()): Promise<Set<string>> {
  const text = await readFile(door, 'utf8')
  for (const [, name = ''] of text.matchAll(/^(?:import|export|\}).* from '([^']+)'$/gm)) {
    const path = name.startsWith('.') ? join(dirname(door), name) : name
    if (seen.has(path)) continue
    seen.add(path)
    if (name.startsWith('.')) await importsOf(path, seen)
  }
  return seen
}

async function foreignTo(door: string): Promise<string[]> {
  const imports = [...(await importsOf(join(source, door)))]
  expect(imports.length).toBeGreaterThan(5)
  return imports.filter((path) => !path.startsWith(source))
}

test('the main door imports nothing of Node and of nobody else', async () => {
  expect(await foreignTo('index.ts')).toEqual([])
})

test('the door that loads imports nothing but Node, the compliance suite nothing but vitest', async () => {
  expect((await foreignTo('load.ts')).filter((path) => !path.startsWith('node:'))).toEqual([])
  expect(await foreignTo('compliance.ts')).toEqual(['vitest'])
})

test('every error has a name and a code of its own', () => {
  type ErrorClass = new (...args: string[]) => main.PortFilterError
  const classes = Object.values({ ...main, ...load } as Record<string, unknown>).filter(
    (each): each is ErrorClass =>
      typeof each === 'function' && each.prototype instanceof main.PortFilterError,
  )
  const errors = classes.map((ErrorClass) => new ErrorClass('a', 'b', 'c'))
  for (const [at, error] of errors.entries()) expect(error.name).toBe(classes[at]?.name)
  expect(new Set(errors.map(({ code }) => code)).size).toBe(classes.length)
  expect(classes.length).toBe(11)
})

test('types are what a user counts on', () => {
  expectTypeOf<main.Opinion>().toEqualTypeOf<
    | { readonly verdict: 'allow' }
    | { readonly verdict: 'deny'; readonly reason: string }
    | undefined
  >()
  expectTypeOf<main.FilterHook>().toEqualTypeOf<'outbound' | 'inbound' | 'export'>()
  expectTypeOf(main.createPortFilter).returns.toExtend<main.Filter>()
  expectTypeOf(main.createFilterChain([]).outbound).returns.toEqualTypeOf<
    Promise<main.ChainVerdict>
  >()
  expectTypeOf(load.loadFilter).returns.toEqualTypeOf<Promise<main.Filter>>()
  expectTypeOf(compliance.testFilter).parameter(0).toEqualTypeOf<string>()
})
