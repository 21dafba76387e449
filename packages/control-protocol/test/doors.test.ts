import { readdirSync, readFileSync } from 'node:fs'
import * as main from '@tailproxy/control-protocol'
import { expect, expectTypeOf, test } from 'vitest'

const source = new URL('../src/lib/', import.meta.url)
const texts = readdirSync(source)
  .filter((name) => !name.endsWith('.test.ts'))
  .map((name) => readFileSync(new URL(name, source), 'utf8'))

test('imports nothing but itself, and uses no global of Node', () => {
  const imports = texts.flatMap((text) => [...text.matchAll(/ from '([^']+)'/g)])
  expect(imports.map(([, name]) => name).filter((name) => !name?.startsWith('./'))).toEqual([])
  expect(texts.join('')).not.toMatch(/\b(?:Buffer\b|process\.|setImmediate\b|require\()/)
})

test('types are what a user counts on', () => {
  const reader = main.createClientLineReader()
  expectTypeOf(reader.push).returns.toEqualTypeOf<main.Parsed<main.ClientMessage>[]>()
  expectTypeOf<main.ListenV2['socket']>().toEqualTypeOf<bigint>()
  expectTypeOf<main.ServerMessage['type']>().toEqualTypeOf<'hello' | 'ok' | 'refused'>()
})
