import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { describe, expect } from 'vitest'
import { hasNamespaces } from '../support/namespace.ts'
import { lacks } from '../support/needs.ts'
import { test } from '../support/profile.ts'
import { TAILPROXY } from '../support/tailproxy.ts'

// What a machine can have in store for a command: a clear line, 125, and nothing half written.

const ONE_LINE = /^tailproxy: [^\n]+\n$/
const impossible = lacks('unshare') || !hasNamespaces()
const where = impossible ? 'on a disk of its own (skipped: needs unshare)' : 'on a disk of its own'

describe.skipIf(impossible)(where, () => {
  test.for([
    [
      'is full',
      'size=8k',
      'dd if=/dev/zero of=$D/fill bs=1k count=99 2>/dev/null;',
      'the disk is full',
    ],
    ['fills up on the way', 'size=16k', '', 'the disk is full'],
    ['is read-only', 'ro', '', 'the file system is read-only'],
  ] as const)('one that %s', async ([, options, before, why], { profile }) => {
    const script = `D="$1"; mount -t tmpfs -o mode=700,${options} none "$D" && ${before} TAILPROXY_STATE_DIR="$D/state" "$2" true; s=$?; ls "$D/state" 2>/dev/null; exit $s`
    const { directory } = profile
    const words = ['-rm', 'sh', '-c', script, 'sh', directory, TAILPROXY]
    const { status, stdout, stderr } = await profile.startProgram('unshare', words).finished
    expect({ status, stderr }).toEqual({ status: 125, stderr: expect.stringContaining(why) })
    expect(stderr).toMatch(ONE_LINE)
    expect(stdout).not.toMatch(/session\.(json|starting|sock)/)
  })
})

test('a HOME in which nothing can be made is named', async ({ profile }) => {
  const env = { TAILPROXY_STATE_DIR: '', XDG_STATE_HOME: '', HOME: '/proc' }
  const { status, stderr } = await profile.run(['true'], { env })
  expect({ status, stderr }).toEqual({ status: 125, stderr: expect.stringMatching(ONE_LINE) })
  expect(stderr).toContain('/proc/.local/state')
})

test.for(['>&-', '2>&-', '<&-', '>/dev/full'])(
  'a command whose streams are %s runs all the same',
  async (redirection, { profile }) => {
    const script = `"$1" sh -c 'exit 7' ${redirection}; exit $?`
    const words = ['-c', script, 'sh', TAILPROXY]
    expect((await profile.startProgram('sh', words).finished).status).toBe(7)
    expect(profile.pid()).toBeGreaterThan(0)
  },
)

test('a session whose log cannot be written goes on without it', async ({ profile }) => {
  mkdirSync(profile.state, { mode: 0o700 })
  symlinkSync('/dev/full', path.join(profile.state, 'session.log'))
  expect(await profile.run(['true'])).toMatchObject({ status: 0, stderr: '' })
  const pid = profile.pid()
  expect(await profile.run(['true'])).toMatchObject({ status: 0, stderr: '' })
  expect(profile.pid()).toBe(pid)
})

test('a session that could not begin leaves no file of its own', async ({ profile }) => {
  const env = { TAILPROXY_CONTROL_URL: 'nonsense' }
  const { status, stderr } = await profile.run(['true'], { env })
  expect({ status, stderr }).toEqual({
    status: 125,
    stderr: expect.stringMatching(/TAILPROXY_CONTROL_URL is "nonsense"; allowed is/),
  })
  const left = existsSync(profile.state) ? readdirSync(profile.state) : []
  expect(left.filter((name) => name !== 'session.log')).toEqual([])
  expect(path.basename(profile.state)).toBe('state')
})
