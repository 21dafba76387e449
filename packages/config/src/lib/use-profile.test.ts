import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { test as base, type Home, messageOf } from '../testing/home.ts'
import { useProfile } from './use-profile.ts'

const test = base.extend<{ file: string; sources: Pick<Home, 'env'> & { cwd: string } }>({
  file: async ({ home }, use) => use(path.join(home.path, '.config/tailproxy/config.json')),
  sources: async ({ home }, use) => {
    home.writeConfig('profiles/work.json', {})
    await use({ env: home.env, cwd: '/' })
  },
})

test('makes the user file, for the user alone', ({ home, file }) => {
  const env = { ...home.env, XDG_CONFIG_HOME: path.join(home.path, 'xdg') }
  home.write('xdg/tailproxy/profiles/work.json', {})
  const made = path.join(home.path, 'xdg/tailproxy/config.json')
  expect(useProfile('work', { env, cwd: '/' })).toBe(made)
  expect(readFileSync(made, 'utf8')).toBe('{\n  "profile": "work"\n}\n')
  expect(statSync(made).mode & 0o777).toBe(0o600)
  useProfile(undefined, { env: home.env, cwd: '/' })
  expect(() => lstatSync(file)).toThrow('ENOENT')
})

test.for([
  [
    '{\n  // mine\n  "hostname": "laptop" // too\n}\n',
    '{\n  "profile": "work",\n  // mine\n  "hostname": "laptop" // too\n}\n',
  ],
  ['{"hostname": "laptop",}', '{\n  "profile": "work",\n  "hostname": "laptop",\n}'],
  [
    '{\n\t"profile": "home", // for now\n\t"verbose": true\n}',
    '{\n\t"profile": "work", // for now\n\t"verbose": true\n}',
  ],
  ['// nothing yet\n{}\n', '// nothing yet\n{\n  "profile": "work"\n}\n'],
] as const)('keeps all else of %j', ([before, after], { home, file, sources }) => {
  home.writeConfig('config.json', before)
  useProfile('work', sources)
  expect(readFileSync(file, 'utf8')).toBe(after)
  expect(readdirSync(path.dirname(file)).sort()).toEqual(['config.json', 'profiles'])
})

test('keeps the key for none, with the comments around it', ({ home, file, sources }) => {
  home.writeConfig('config.json', '{\n  // mine\n  "profile": "work",\n  "verbose": true\n}\n')
  useProfile(undefined, sources)
  expect(readFileSync(file, 'utf8')).toBe('{\n  // mine\n  "profile": "",\n  "verbose": true\n}\n')
})

test('leaves a link one, and writes the file behind it', ({ home, file, sources }) => {
  const kept = home.write('dotfiles/tailproxy.json', '{}')
  symlinkSync(kept, file)
  useProfile('work', sources)
  expect(lstatSync(file).isSymbolicLink()).toBe(true)
  expect(readFileSync(kept, 'utf8')).toContain('"work"')
})

test('writes the file that stands in for the user file', ({ home, sources }) => {
  const file = home.write('named.json', '{}')
  expect(useProfile('work', { ...sources, file })).toBe(file)
  expect(readFileSync(file, 'utf8')).toContain('"work"')
})

test.for([
  ['wrok', 'did you mean "work"?'],
  ['../work', 'allowed is the name of a profile'],
  ['', 'allowed is the name of a profile'],
])('refuses "%s"', async ([name, why], { sources, file }) => {
  expect(await messageOf(() => useProfile(name, sources))).toContain(why)
  expect(() => lstatSync(file)).toThrow('ENOENT')
})

test('changes nothing in a file that it cannot read', async ({ home, file, sources }) => {
  home.writeConfig('config.json', '{ "hostname" }')
  expect(await messageOf(() => useProfile('work', sources))).toContain('line 1, column 14')
  home.writeConfig('config.json', '{"profile": "a", "profile": "b"}')
  expect(await messageOf(() => useProfile('work', sources))).toContain('stands there twice')
  expect(readFileSync(file, 'utf8')).toBe('{"profile": "a", "profile": "b"}')
})

test('says that it cannot write, and leaves no part of it behind', async ({ home, sources }) => {
  const directory = path.join(home.path, 'full')
  mkdirSync(directory)
  const file = path.join(directory, 'config.json')
  mkdirSync(file)
  expect(await messageOf(() => useProfile('work', { ...sources, file }))).toContain('directory')
  expect(readdirSync(directory)).toEqual(['config.json'])
})
