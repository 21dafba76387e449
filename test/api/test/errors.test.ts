import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'vitest'
import { test } from '../support/installed.ts'
import { type Library, libraries } from '../support/packages.ts'

type ErrorClass = new (...args: unknown[]) => Error & { code?: unknown }

/** Those that a door has, by name. The first one of a family may be abstract. */
async function errorClassesOf(door: string, project: string): Promise<Map<string, ErrorClass>> {
  const file = createRequire(path.join(project, 'package.json')).resolve(door)
  const module = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as object
  const classes = Object.entries(module).filter(
    ([, each]) => typeof each === 'function' && each.prototype instanceof Error,
  )
  return new Map(classes as [string, ErrorClass][])
}

function isBase(one: ErrorClass, classes: Iterable<ErrorClass>): boolean {
  return [...classes].some((other) => other.prototype instanceof one)
}

/** Node's own, which we look at and do not give. */
const OF_NODE = ['ERR_PACKAGE_PATH_NOT_EXPORTED']

/** Every code that what is published of a package gives to an error. */
function codesOf({ directory }: Library): string[] {
  const dist = path.join(directory, 'dist')
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  const codes = files
    .filter((file) => /\.m?js$/.test(file))
    .flatMap(
      (file) => readFileSync(path.join(dist, file), 'utf8').match(/\bERR_[A-Z0-9_]+\b/g) ?? [],
    )
  return [...new Set(codes)].filter((code) => !OF_NODE.includes(code)).sort()
}

/** What constructors of errors take, in one order or another. */
const ARGUMENTS = [
  ['ERR_DIAL_REFUSED', { host: 'hello', port: 80 }, {}],
  ['text', { cause: new Error('text') }, 'text'],
  ['text', 'text', 'text'],
]

function construct(each: ErrorClass): InstanceType<ErrorClass> {
  for (const given of ARGUMENTS) {
    try {
      return new each(...given)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
    }
  }
  throw new Error(`${each.name} takes none of the arguments that errors have here; add its own`)
}

// The compliance suite declares tests, and can only be imported where those run.
const doors = libraries.flatMap(({ doors }) => doors).filter((door) => !/compliance$/.test(door))

test.for(doors)(
  'every error of %s has its own name and a stable code',
  async (door, { project }) => {
    const classes = await errorClassesOf(door, project)
    for (const [name, each] of classes) {
      if (isBase(each, classes.values())) continue
      const error = construct(each)
      expect(error.name).toBe(name)
      expect(error.code, name).toMatch(/^ERR_[A-Z0-9_]+$/)
    }
  },
)

test.for(libraries)('the README of $name has every code in its table', (library) => {
  const [, section = ''] = /\n## Errors\n([\s\S]*?)\n## /.exec(library.readme) ?? []
  const lacking = codesOf(library).filter((code) => !section.includes(`\`${code}\``))
  expect(lacking).toEqual([])
})
