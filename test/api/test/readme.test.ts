import { existsSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { libraries, publicPackages } from '../support/packages.ts'

function sectionsOf(readme: string): string[] {
  return [...readme.matchAll(/^## (.*)$/gm)].map(([, title = '']) => title)
}

function promiseOf(readme: string): string {
  const [, promise = ''] = /\n## Versions\n([\s\S]*?)\n## /.exec(readme) ?? []
  return promise.replaceAll(/\s+/g, ' ')
}

test.for(publicPackages)('the README of $name says in one line what it is', ({ name, readme }) => {
  const [title, blank, line, after] = readme.split('\n')
  expect(title).toBe(`# ${name}`)
  expect([blank, after]).toEqual(['', ''])
  expect(line).toMatch(/\.$/)
  expect(line?.length).toBeLessThan(150)
})

test.for(libraries)(
  'the README of $name says how to install it, then has an example',
  ({ name, readme }) => {
    const [install, example] = [...readme.matchAll(/```(\w+)\n([\s\S]*?)```/g)]
    expect(install?.[1]).toBe('sh')
    expect(install?.[2]).toMatch(new RegExp(`^npm install ${name}`))
    expect(example?.[1]).toBe('ts')
    expect(example?.[2]).toContain(`from '${name}`)
  },
)

test.for(publicPackages)('the README of $name promises what a version keeps', ({ readme }) => {
  const sections = sectionsOf(readme)
  for (const section of ['Versions', 'License']) expect(sections).toContain(section)
  expect(promiseOf(readme)).toContain('Before 1.0 a minor version may break it')
})

test.for(libraries)('the README of $name has options and errors', ({ readme }) => {
  const sections = sectionsOf(readme)
  expect(sections.filter((name) => /^(Options|Errors)$/.test(name))).toEqual(['Options', 'Errors'])
})

test.for(libraries)('the promise of $name names every door', ({ readme, doors }) => {
  for (const door of doors) expect(promiseOf(readme)).toContain(`\`${door}\``)
})

test.for(libraries)('the example of $name is run by a test', ({ directory }) => {
  expect(existsSync(path.join(directory, 'test/readme.test.ts'))).toBe(true)
})
