import { writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { Readable } from 'node:stream'
import { expect, vi } from 'vitest'
import { report, tailproxy } from '../tailproxy.ts'
import { test } from '../testing/surroundings.ts'

const WAITING = { states: ['needs-login'], authUrl: 'https://log.in/1', neverStarts: true }
const INSTRUCTION = 'tailproxy: to log this node in, open https://log.in/1\n'

const statusOf = async (words: readonly string[]): Promise<number> =>
  (await tailproxy(words).catch((error: unknown) => ({ status: report(error) }))).status

test('says who the node is, to people and to programs', async ({ surroundings: { said } }) => {
  expect(await statusOf(['login'])).toBe(0)
  expect(said).toEqual({
    stdout: 'logged in: tailproxy.fake.ts.net (100.64.0.9) on the tailnet fake\n',
    stderr: '',
  })
  said.stdout = ''
  expect(await statusOf(['login', '--json'])).toBe(0)
  expect(JSON.parse(said.stdout)).toMatchObject({
    node: { name: 'tailproxy.fake.ts.net', tailnet: 'fake' },
  })
})

test('tells the address to log in at, until it is interrupted', async ({
  surroundings: { behave, said },
}) => {
  behave(WAITING)
  const ended = tailproxy(['login']).catch((error: unknown) => error)
  await vi.waitFor(() => expect(said.stderr).toBe(INSTRUCTION), { timeout: 10_000 })
  process.emit('SIGINT')
  expect(await ended).toMatchObject({ signalName: 'SIGINT' })
  expect(said).toEqual({ stdout: '', stderr: INSTRUCTION })
})

test('tells a program the address', async ({ surroundings: { behave, said } }) => {
  behave(WAITING)
  const ended = tailproxy(['login', '--json']).catch((error: unknown) => error)
  await vi.waitFor(() => expect(said.stdout).toContain('\n'), { timeout: 10_000 })
  expect(JSON.parse(said.stdout)).toEqual({ url: 'https://log.in/1' })
  process.emit('SIGINT')
  await ended
})

test('shows a QR code on a terminal, without colours if those are not wanted', async ({
  surroundings: { behave, said },
}) => {
  behave(WAITING)
  vi.spyOn(process, 'stderr', 'get').mockReturnValue(
    Object.assign(Object.create(process.stderr), { isTTY: true, hasColors: () => true }),
  )
  vi.stubEnv('NO_COLOR', '1')
  const ended = tailproxy(['login']).catch((error: unknown) => error)
  const code = /^[▀▄█ ]{25,}$/m
  await vi.waitFor(() => expect(said.stderr).toMatch(code), { timeout: 10_000 })
  process.emit('SIGINT')
  await ended
  expect(said.stderr).not.toContain('\u001b[97')
})

test.for([
  ['the auth key has expired, make another', 12],
  ['the control server refused the auth key: invalid key', 13],
] as const)(
  'login and up tell by their status: %s',
  async ([message, status], { surroundings: { behave, said } }) => {
    behave({ startFailure: { code: 'denied', message } })
    for (const command of ['login', 'up']) {
      said.stderr = ''
      expect(await statusOf([command])).toBe(status)
      expect(said.stderr).toBe(`tailproxy: ${message}\n`)
    }
  },
)

test('does not wait for an administrator without a limit', async ({
  surroundings: { behave, said },
}) => {
  behave({ states: ['needs-approval'], neverStarts: true })
  expect(await statusOf(['login'])).toBe(11)
  expect(said.stderr).toContain('any command goes on when it has')
})

test('warns of a key in the command line, and of no other', async ({
  surroundings: { said },
  directory,
}) => {
  await statusOf(['login', '--authkey=tskey-auth-shown'])
  expect(said.stderr).toMatch(/^tailproxy: others on this host can see the auth key[^\n]*\n$/)
  expect(said.stderr).not.toContain('tskey-auth-shown')
  said.stderr = ''
  const file = path.join(directory, 'key')
  writeFileSync(file, 'tskey-auth-hidden\n', { mode: 0o600 })
  expect(await statusOf(['login', `--authkey=file:${file}`])).toBe(0)
  vi.stubEnv('TAILPROXY_AUTHKEY', 'tskey-auth-hidden')
  expect(await statusOf(['login'])).toBe(0)
  expect(said.stderr).toBe('')
})

test.for(['login', 'up'])(
  '%s reads a key from standard input',
  async (command, { surroundings: { said } }) => {
    const stdin = vi.spyOn(process, 'stdin', 'get')
    stdin.mockReturnValue(Readable.from(['tskey-auth-1\n']) as typeof process.stdin)
    const ended = statusOf([command, '--authkey=-'])
    await vi.waitFor(() => expect(said.stdout).toContain('100.64.0.9'), { timeout: 10_000 })
    // It serves until it is interrupted.
    if (command === 'up') process.emit('SIGTERM')
    await ended
    stdin.mockReturnValue(Readable.from([' \n']) as typeof process.stdin)
    expect(await statusOf([command, '--authkey=-'])).toBe(125)
    expect(said.stderr).toContain('there is no auth key in standard input')
  },
)

test('takes no operand', async ({ surroundings: { said } }) => {
  expect(await statusOf(['login', 'now'])).toBe(125)
  expect(said.stderr).toBe('tailproxy: login takes no "now"\n')
})

test.for([['true'], ['peers']])(
  '%s waits no longer than --timeout, and fails as ever',
  async (words, { surroundings: { behave, said } }) => {
    behave({ states: ['needs-approval'], neverStarts: true })
    expect(await statusOf(['--timeout=2s', ...words])).toBe(125)
    expect(said.stderr).toMatch(/^tailproxy: .* (within 2 s|starting; tailproxy doctor .*)$/m)
  },
)
