import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { report, tailproxy } from '../tailproxy.ts'
import { test } from '../testing/surroundings.ts'

const statusOf = async (words: readonly string[]): Promise<number> =>
  (await tailproxy(words).catch((error: unknown) => ({ status: report(error) }))).status

/** A state directory in which a node has its keys. */
function makeState(directory: string): string {
  const place = path.join(directory, 'state/tailproxy/default')
  mkdirSync(place, { recursive: true, mode: 0o700 })
  writeFileSync(path.join(place, 'tailscaled.state'), '{}', { mode: 0o600 })
  return place
}

test('logout logs out a node whose session does not run', async ({
  surroundings: { said },
  directory,
}) => {
  makeState(directory)
  expect(await statusOf(['logout'])).toBe(0)
  expect(said).toEqual({ stdout: 'tailproxy.fake.ts.net is logged out\n', stderr: '' })
})

test('logout says that none is logged in, and starts nothing for it', async ({
  surroundings: { said },
  directory,
}) => {
  expect(await statusOf(['logout'])).toBe(0)
  expect(said.stdout).toBe('no node is logged in\n')
  expect(existsSync(path.join(directory, 'state'))).toBe(false)
})

test('logout takes a node that would have to be logged in for one that is not', async ({
  surroundings: { behave, said },
  directory,
}) => {
  makeState(directory)
  behave({ states: ['needs-login'], authUrl: 'https://log.in/1', neverStarts: true })
  expect(await statusOf(['logout', '--json'])).toBe(0)
  expect(JSON.parse(said.stdout)).toEqual({ node: null })
})

test('down --purge logs out, removes all, and says so', async ({
  surroundings: { said },
  directory,
}) => {
  const place = makeState(directory)
  expect(await statusOf(['down', '--purge'])).toBe(0)
  expect(said.stderr).toBe(
    `tailproxy: tailproxy.fake.ts.net is logged out\ntailproxy: removed ${place}: keys, log, and what was chosen\n`,
  )
  expect(existsSync(path.join(directory, 'state/tailproxy'))).toBe(false)
  said.stderr = ''
  await statusOf(['down', '--purge'])
  expect(said.stderr).toBe(`tailproxy: there is nothing in ${place}\n`)
})

test('down --purge removes what cannot be logged out, and says why it cannot', async ({
  surroundings: { behave, said },
  directory,
}) => {
  const place = makeState(directory)
  behave({ startFailure: { code: 'not-connected', message: 'nobody answers there' } })
  expect(await statusOf(['down', '--purge', '--json'])).toBe(0)
  expect(said.stderr).toMatch(/^tailproxy: not logged out: nobody answers there; the tailnet lists/)
  expect(JSON.parse(said.stdout)).toEqual({ removed: place })
})

test('down leaves a directory alone that only looks like one of ours', async ({
  surroundings: _,
  directory,
}) => {
  const place = path.join(directory, 'tailproxy/mine')
  mkdirSync(place, { recursive: true, mode: 0o700 })
  expect(await statusOf(['down', '--purge', `--state-dir=${place}`])).toBe(0)
  expect(existsSync(place)).toBe(false)
  expect(existsSync(path.dirname(place))).toBe(true)
})
