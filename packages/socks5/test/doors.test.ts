import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as main from '@tailproxy/socks5'
import * as client from '@tailproxy/socks5/client'
import * as server from '@tailproxy/socks5/server'
import { expect, expectTypeOf, test } from 'vitest'

const source = join(dirname(fileURLToPath(import.meta.url)), '../src')

/** Every module that is imported from `file` on, by what it says after "from". */
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

test('the main door imports nothing of Node and of nobody else', async () => {
  const imports = [...(await importsOf(join(source, 'index.ts')))]
  expect(imports.length).toBeGreaterThan(15)
  expect(imports.filter((path) => !path.startsWith(source))).toEqual([])
})

test('the other doors import nothing but Node', async () => {
  for (const door of ['server.ts', 'client.ts']) {
    const foreign = [...(await importsOf(join(source, door)))].filter(
      (path) => !path.startsWith(source),
    )
    expect(foreign.filter((path) => !path.startsWith('node:'))).toEqual([])
  }
})

test('the main door works where there are no globals of Node', async () => {
  const text = await Promise.all(
    [...(await importsOf(join(source, 'index.ts')))].map((path) => readFile(path, 'utf8')),
  )
  expect(text.join('')).not.toMatch(/\b(?:Buffer|process|setImmediate|require)\b/)
})

test('every error has a name and a code of its own', () => {
  type ErrorClass = new (...args: unknown[]) => main.Socks5Error
  const classes = (Object.values(main) as unknown[]).filter(
    (each): each is ErrorClass =>
      typeof each === 'function' && each.prototype instanceof main.Socks5Error,
  )
  const errors = classes.map((ErrorClass) => new ErrorClass(1, 2, 3))
  for (const [at, error] of errors.entries()) expect(error.name).toBe(classes[at]?.name)
  expect(new Set(errors.map(({ code }) => code)).size).toBe(classes.length)
  expect(classes.length).toBe(18)
})

test('types are what a user counts on', () => {
  const session = main.createServerSession()
  expectTypeOf(session.receive).returns.toEqualTypeOf<main.ServerAction>()
  expectTypeOf(session.dialed).returns.toEqualTypeOf<main.SpliceAction>()
  expectTypeOf(session.failed).returns.toEqualTypeOf<main.CloseAction>()
  expectTypeOf<main.ServerAction['type']>().toEqualTypeOf<
    | 'write'
    | 'authenticate'
    | 'dial'
    | 'bind'
    | 'associate'
    | 'resolve'
    | 'splice'
    | 'hold'
    | 'close'
  >()
  expectTypeOf<main.Command>().toEqualTypeOf<
    'connect' | 'bind' | 'udp-associate' | 'resolve' | 'resolve-ptr'
  >()
  expectTypeOf(main.decodeRequest).returns.toEqualTypeOf<main.Decoded<main.Request>>()
  expectTypeOf<main.SocksAddress['host']>().toEqualTypeOf<string>()
  expectTypeOf(server.createSocks5Server).returns.toEqualTypeOf<server.Socks5Server>()
  expectTypeOf(client.resolveSocks5).returns.toEqualTypeOf<Promise<string>>()
})
