import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, vi } from 'vitest'
import { test } from '../testing/filter-directory.ts'
import { loadFilter, loadFilters } from './load-filter.ts'

/** A module whose default export is a filter of this name. */
const module = (name: string) => `export default { name: '${name}', outbound() {} }`
const factory = 'export default (options) => ({ name: "made", options, outbound() {} })'

test('loads a filter by a path from the given directory', async ({ directory, files }) => {
  await files({ 'mine.mjs': module('mine'), 'sub/other.mjs': module('other') })
  expect((await loadFilter('./mine.mjs', { from: directory })).name).toBe('mine')
  const from = path.join(directory, 'sub')
  expect((await loadFilter('../mine.mjs', { from })).name).toBe('mine')
  expect((await loadFilter(path.join(directory, 'sub/other.mjs'), { from })).name).toBe('other')
})

test('loads a filter by file URL', async ({ directory, files }) => {
  await files({ 'mine.mjs': module('mine') })
  const url = pathToFileURL(path.join(directory, 'mine.mjs'))
  expect((await loadFilter(url.href, { from: '/' })).name).toBe('mine')
})

test('loads a filter that CommonJS exports, compiled or not', async ({ directory, files }) => {
  await files({
    'plain.cjs': 'module.exports = { name: "plain", outbound() {} }',
    'compiled.cjs':
      'exports.__esModule = true\nexports.default = { name: "compiled", outbound() {} }',
  })
  expect((await loadFilter('./plain.cjs', { from: directory })).name).toBe('plain')
  expect((await loadFilter('./compiled.cjs', { from: directory })).name).toBe('compiled')
})

test('gives a function the options of its entry, and waits for it', async ({
  directory,
  files,
}) => {
  await files({ 'made.mjs': factory, 'later.mjs': factory.replace('(options)', 'async (options)') })
  const options = { users: ['ann'] }
  for (const filter of ['./made.mjs', './later.mjs']) {
    expect(await loadFilter({ filter, options }, { from: directory })).toMatchObject({ options })
  }
  expect(await loadFilter('./made.mjs', { from: directory })).toMatchObject({ options: undefined })
})

test.for([
  ['no default export', 'export const filter = 1', 'EXPORT', 'exports only "filter"'],
  ['no export', '', 'EXPORT', 'exports nothing'],
  ['a number', 'export default 7', 'EXPORT', 'has 7 for a default export'],
  ['null', 'export default null', 'EXPORT', 'has null for a default export'],
  ['a filter without name', 'export default { outbound() {} }', 'SHAPE', 'its name is undefined'],
  [
    'a misspelt hook',
    'export default { name: "mine", inboud() {} }',
    'SHAPE',
    'did you mean "inbound"?',
  ],
  [
    'a hook that is none',
    'export default { name: "mine", inbound: true }',
    'SHAPE',
    'its "inbound" is true, not a function',
  ],
  ['a function that returns nothing', 'export default () => {}', 'SHAPE', 'it is undefined'],
  [
    'a function that throws',
    'export default () => { throw new Error("needs users") }',
    'FACTORY',
    'cannot be made: needs users',
  ],
  [
    'a function that rejects with text',
    'export default async () => { throw "no" }',
    'FACTORY',
    'cannot be made: it threw "no"',
  ],
  ['a class', 'export default class Mine { name = "mine"; outbound() {} }', 'FACTORY', 'new'],
  ['code that throws', 'throw new Error("no license")', 'IMPORT', 'no license'],
  ['an import that is not there', 'import "./gone.mjs"', 'IMPORT', 'gone.mjs'],
] as const)(
  'names the file that has %s',
  async ([, content, code, message], { directory, files }) => {
    await files({ 'bad.mjs': content })
    await expect(loadFilter('./bad.mjs', { from: directory })).rejects.toMatchObject({
      code: `ERR_PORT_FILTER_${code}`,
      message: expect.stringMatching(/"\.\/bad\.mjs"/),
    })
    await expect(loadFilter('./bad.mjs', { from: directory })).rejects.toThrow(message)
  },
)

test('keeps what a module threw as the cause', async ({ directory, files }) => {
  await files({ 'bad.mjs': 'export default () => { throw new RangeError("needs users") }' })
  await expect(loadFilter('./bad.mjs', { from: directory })).rejects.toMatchObject({
    cause: { name: 'RangeError', message: 'needs users' },
  })
})

test('does not drop options that a module does not take', async ({ directory, files }) => {
  await files({ 'mine.mjs': module('mine') })
  const entry = { filter: './mine.mjs', options: { users: ['ann'] } }
  await expect(loadFilter(entry, { from: directory })).rejects.toMatchObject({
    code: 'ERR_PORT_FILTER_EXPORT',
    message: expect.stringContaining('takes no options and was given some'),
  })
})

test('gives up a function that takes too long, and disposes of what still comes of it', async ({
  directory,
  files,
}) => {
  await files({ 'slow.mjs': 'export default (wait) => wait()' })
  let resolve: (filter: object) => void = () => {}
  const dispose = vi.fn(async () => {})
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
  const options = () => {
    vi.advanceTimersByTime(10_000)
    return new Promise<object>((set) => {
      resolve = set
    })
  }
  await expect(
    loadFilter({ filter: './slow.mjs', options }, { from: directory }),
  ).rejects.toMatchObject({
    code: 'ERR_PORT_FILTER_FACTORY',
    message: expect.stringContaining('10000 ms'),
  })
  const disposed = new Promise<void>((set) => dispose.mockImplementation(async () => set()))
  resolve({ name: 'late', dispose })
  await disposed
  expect(dispose).toHaveBeenCalledTimes(1)
})

test('rejects with the reason of a signal that is aborted', async ({ directory, files }) => {
  await files({ 'slow.mjs': 'export default ({ started }) => started()' })
  const controller = new AbortController()
  const started = () => {
    controller.abort(new Error('not any more'))
    return new Promise(() => {})
  }
  const loading = (signal: AbortSignal) =>
    loadFilter({ filter: './slow.mjs', options: { started } }, { from: directory, signal })
  await expect(loading(controller.signal)).rejects.toThrow('not any more')
  await expect(loading(AbortSignal.abort(new Error('never')))).rejects.toThrow('never')
})

test('loads several in order, and disposes of them when one fails', async ({
  directory,
  files,
}) => {
  await files({ 'a.mjs': module('a'), 'made.mjs': 'export default (filter) => filter' })
  const from = directory
  const dispose = vi.fn(() => Promise.reject(new Error('stuck')))
  const made = { filter: './made.mjs', options: { name: 'b', outbound() {}, dispose } }
  expect((await loadFilters(['./a.mjs', made], { from })).map(({ name }) => name)).toEqual([
    'a',
    'b',
  ])
  await expect(loadFilters([made, './c.mjs'], { from })).rejects.toMatchObject({
    code: 'ERR_PORT_FILTER_NOT_FOUND',
  })
  expect(dispose).toHaveBeenCalledTimes(1)
})
