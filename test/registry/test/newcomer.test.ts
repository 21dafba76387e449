import { test as base, expect, inject } from 'vitest'
import { pnpmCommand } from '../../../scripts/pnpm.mjs'
import { Newcomer } from '../support/newcomer.ts'

const HELLO = /^Hello, .+!$/m
/** No tailnet is needed to see that it works. */
const FETCH = ['lab', 'run', '--', 'curl', '-s', 'http://hello/']

const test = base.extend<{ newcomer: Newcomer }>({
  newcomer: async ({}, use) => {
    const newcomer = new Newcomer(inject('registry'))
    await use(newcomer)
    newcomer.leave()
  },
})

test('npx fetches and runs it, and runs it once more when there is no network', async ({
  newcomer,
}) => {
  const first = await newcomer.run(['npx', '--yes', '@tailproxy/cli', ...FETCH])
  expect(first).toMatchObject({ status: 0, stdout: expect.stringMatching(HELLO) })
  const env = { npm_config_offline: 'true' }
  const again = await newcomer.run(['npx', '--yes', '@tailproxy/cli', ...FETCH], { env })
  expect(again).toMatchObject({ status: 0, stdout: expect.stringMatching(HELLO) })
})

test('npm install -g puts it on PATH, whatever the path is', async ({ newcomer }) => {
  // ld.so takes LD_PRELOAD apart at spaces and colons, and expands $ORIGIN.
  const prefix = newcomer.directory('a place: of $ORIGIN')
  const env = { npm_config_prefix: prefix }
  expect(await newcomer.run(['npm', 'install', '-g', '@tailproxy/cli'], { env })).toMatchObject({
    status: 0,
  })
  expect(await newcomer.run([`${prefix}/bin/tailproxy`, ...FETCH])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(HELLO),
  })
})

test('pnpm dlx runs it', async ({ newcomer }) => {
  const [pnpm = ''] = pnpmCommand()
  newcomer.giveCopy('pnpm', pnpm)
  const said = await newcomer.run(['pnpm', 'dlx', '@tailproxy/cli', ...FETCH])
  expect(said).toMatchObject({ status: 0, stdout: expect.stringMatching(HELLO) })
})

test('without the optional packages it says which is missing, and what to do', async ({
  newcomer,
}) => {
  const cwd = newcomer.directory('project')
  const install = ['npm', 'install', '--omit=optional', '@tailproxy/cli']
  expect(await newcomer.run(install, { cwd })).toMatchObject({ status: 0 })
  const said = await newcomer.run([`${cwd}/node_modules/.bin/tailproxy`, ...FETCH], { cwd })
  expect(said).toMatchObject({ status: 125, stdout: '' })
  expect(said.stderr).toMatch(
    new RegExp(`^tailproxy: .*@tailproxy/sidecar-linux-${process.arch}.*\n$`),
  )
})
