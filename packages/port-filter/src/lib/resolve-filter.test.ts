import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'vitest'
import { test } from '../testing/filter-directory.ts'
import { resolveFilter } from './resolve-filter.ts'

const file = (...parts: string[]) => pathToFileURL(path.join(...parts)).href

const packages: [string, Record<string, unknown>][] = [
  ['main', { main: './lib.js' }],
  ['exports of one file', { exports: './lib.js' }],
  ['exports to anybody', { exports: { '.': { types: './lib.d.ts', default: './lib.js' } } }],
  ['exports to import alone', { exports: { '.': { import: './lib.js' } } }],
  ['exports to import before require', { exports: { import: './lib.js', require: './no.js' } }],
  ['exports to require alone', { exports: { require: './lib.js' } }],
  ['conditions without a subpath', { exports: { types: './x.d.ts', import: './lib.js' } }],
  ['nested conditions', { exports: { '.': { node: { import: { default: './lib.js' } } } } }],
  ['the first of several', { exports: { '.': [{ deno: './no.js' }, { import: './lib.js' }] } }],
]

test.for(packages)('finds a package by its %s', async ([, fields], { directory, files }) => {
  await files({
    'node_modules/@me/filter/package.json': { name: '@me/filter', type: 'module', ...fields },
    'node_modules/@me/filter/lib.js': '',
  })
  const from = path.join(directory, 'deep/down')
  expect(await resolveFilter('@me/filter', from)).toBe(
    file(directory, 'node_modules/@me/filter/lib.js'),
  )
})

test('finds a file whose name is no part of a URL as it stands', async ({ directory, files }) => {
  await files({ 'my #1 filter%.mjs': '' })
  const url = file(directory, 'my #1 filter%.mjs')
  expect(await resolveFilter('./my #1 filter%.mjs', directory)).toBe(url)
  expect(await resolveFilter(url, '/')).toBe(url)
})

test('finds a subpath of a package, exported to anybody or to import alone', async ({
  directory,
  files,
}) => {
  const exports = { './a': './a.js', './b': { import: './b.js' } }
  await files({
    'node_modules/filters/package.json': { name: 'filters', exports },
    'node_modules/filters/a.js': '',
    'node_modules/filters/b.js': '',
  })
  for (const each of ['a', 'b']) {
    expect(await resolveFilter(`filters/${each}`, directory)).toBe(
      file(directory, `node_modules/filters/${each}.js`),
    )
  }
})

test.for([
  ['./gone.mjs', 'there is no file /'],
  ['/gone/filter.mjs', 'there is no file /gone/filter.mjs'],
  ['file:///gone/filter.mjs', 'there is no file /gone/filter.mjs'],
  ['file://elsewhere/filter.mjs', 'it is a URL that names no file here'],
  ['https://example.com/filter.mjs', 'allowed are a path'],
  ['data:text/javascript,0', 'allowed are a path'],
  ['node:fs', 'it is a URL that names no file here'],
  ['fs', "it is a module of Node's own"],
  ['.', 'is not a file; name the module in it'],
  ['./there', 'is not a file; name the module in it'],
  ['gone', 'no package of that name is installed for /'],
  ['@me', 'no package of that name is installed for /'],
  ['here.mjs', 'for the file of that name write "./here.mjs"'],
  ['closed/inner', 'its package is installed and does not export it'],
  ['closed/missing', 'does not export it'],
  ['broken', 'there is no file /'],
] as const)(
  'says of %s that it cannot be found, and why',
  async ([specifier, why], { directory, files }) => {
    await files({
      'here.mjs': '',
      'there/filter.mjs': '',
      'node_modules/closed/package.json': { exports: { '.': './inner.js', './inner': null } },
      'node_modules/closed/inner.js': '',
      'node_modules/broken/package.json': { exports: { import: './gone.js' } },
    })
    await expect(resolveFilter(specifier, directory)).rejects.toMatchObject({
      name: 'FilterNotFoundError',
      code: 'ERR_PORT_FILTER_NOT_FOUND',
      message: expect.stringContaining(`filter ${JSON.stringify(specifier)} cannot be found: `),
    })
    await expect(resolveFilter(specifier, directory)).rejects.toThrow(why)
  },
)
