import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, vi } from 'vitest'
import { report, tailproxy } from '../tailproxy.ts'
import { test as base } from '../testing/surroundings.ts'

const test = base.extend<{ profiles: string; makeProfiles: () => void; userFile: string }>({
  profiles: async ({ directory, surroundings: _ }, use) => {
    vi.spyOn(process, 'cwd').mockReturnValue(directory)
    vi.stubEnv('HOME', directory)
    await use(path.join(directory, 'config/tailproxy/profiles'))
  },
  makeProfiles: async ({ profiles }, use) => {
    await use(() => {
      mkdirSync(profiles, { recursive: true })
      for (const name of ['home', 'work']) writeFileSync(path.join(profiles, `${name}.json`), '{}')
      for (const name of ['none.json', '.hidden.json', 'notes.txt']) {
        writeFileSync(path.join(profiles, name), '{}')
      }
    })
  },
  userFile: async ({ directory }, use) => use(path.join(directory, 'config/tailproxy/config.json')),
})

test('says how to make a profile', async ({ surroundings: { said }, profiles }) => {
  await tailproxy(['profile'])
  expect(said.stdout).toBe(`No profiles yet; write ${profiles}/NAME.json to make one.\n`)
})

test('lists the profiles, with the one in use marked', async ({
  surroundings: { said },
  profiles,
  makeProfiles,
}) => {
  makeProfiles()
  await tailproxy(['--profile=work', 'profile'])
  expect(said.stdout).toBe(`   home  ${profiles}/home.json\n*  work  ${profiles}/work.json\n`)
  said.stdout = ''
  await tailproxy(['profile', 'ls', '--json'])
  expect(JSON.parse(said.stdout)).toEqual({
    current: null,
    profiles: ['home', 'work'].map((name) => ({
      name,
      path: path.join(profiles, `${name}.json`),
      current: false,
    })),
  })
})

test('chooses one from now on, and none again', async ({
  surroundings: { said },
  makeProfiles,
  userFile,
}) => {
  makeProfiles()
  await tailproxy(['profile', 'use', 'work'])
  expect(said).toEqual({ stdout: '', stderr: '' })
  await tailproxy(['profile', '--json'])
  expect(JSON.parse(said.stdout).current).toBe('work')
  await tailproxy(['profile', 'use', 'none'])
  said.stdout = ''
  await tailproxy(['profile', '--json'])
  expect(JSON.parse(said.stdout).current).toBe(null)
  expect(readFileSync(userFile, 'utf8')).toContain('"profile": ""')
})

test('says that a variable goes before the choice', async ({
  surroundings: { said },
  makeProfiles,
}) => {
  makeProfiles()
  vi.stubEnv('TAILPROXY_PROFILE', 'home')
  await tailproxy(['profile', 'use', 'work'])
  expect(said.stderr).toBe('tailproxy: TAILPROXY_PROFILE is "home", and goes before it here\n')
})

test('helps out of a profile that is gone', async ({
  surroundings: { said },
  makeProfiles,
  userFile,
}) => {
  makeProfiles()
  writeFileSync(userFile, '{"profile": "gone"}')
  await tailproxy(['profile'])
  expect(said.stderr).toContain('there is no profile "gone", which is to be used; choose another')
  await tailproxy(['profile', 'use', 'home'])
  expect(readFileSync(userFile, 'utf8')).toBe('{"profile": "home"}')
})

test.for([
  ['profile use', 'profile use needs one name: tailproxy profile use NAME (or none)'],
  ['profile use a b', 'profile use needs one name'],
  ['profile use wrok', 'did you mean "work"?'],
  ['profile use ../x', 'allowed is the name of a profile'],
  ['profile rm', 'profile has no "rm"; use tailproxy profile, or profile use NAME'],
  ['profile ls x', 'profile ls takes no "x"'],
] as const)('refuses "%s"', async ([line, message], { surroundings, makeProfiles, userFile }) => {
  makeProfiles()
  const error = await tailproxy(line.split(' ')).catch((reason: unknown) => reason)
  expect(report(error)).toBe(125)
  expect(surroundings.said.stderr).toContain(message)
  expect(existsSync(userFile)).toBe(false)
})

test('is a node of its own', async ({ directory, makeProfiles, surroundings: _ }) => {
  makeProfiles()
  await tailproxy(['--profile=work', 'true'])
  const state = path.join(directory, 'state/tailproxy')
  expect(existsSync(path.join(state, 'profiles/work'))).toBe(true)
  expect(existsSync(path.join(state, 'default'))).toBe(false)
})
