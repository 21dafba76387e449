import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { sidecarEnvironment } from '@tailproxy/session'
import { findSidecar, Lab, type LabOptions } from '@tailproxy/sidecar'
import { test as base, describe, expect, vi } from 'vitest'
import { Profile } from '../support/profile.ts'
import { type Running, Tailproxy } from '../support/tailproxy.ts'

const KEY = 'tskey-auth-lab'

interface Guarded {
  lab: Lab
  profile: Profile
}

/** A tailnet that does not let everybody in, and a user who wants to be in it. */
const guarded = (options: Omit<LabOptions, 'binary'>) =>
  base.extend<Guarded>({
    lab: async ({}, use) => {
      const env = sidecarEnvironment(process.env, { lab: true })
      const lab = await Lab.start({ binary: findSidecar(), env, ...options })
      await use(lab)
      await lab.stop()
    },
    profile: async ({ lab }, use) => {
      const tailproxy = new Tailproxy(lab.info.controlUrl)
      const profile = new Profile(tailproxy)
      await use(profile)
      await profile.dispose()
      tailproxy.dispose()
    },
  })

/** Where a command says that somebody has to log in. */
async function urlFrom({ output }: Running): Promise<string> {
  const pattern = /to log this node in, open (\S+)/
  await vi.waitFor(() => expect(output.stderr).toMatch(pattern), { timeout: 20_000 })
  return pattern.exec(output.stderr)?.[1] ?? ''
}

describe('a tailnet that wants a login', () => {
  const test = guarded({ requireAuth: true, authKey: KEY })

  test('login tells the address, waits, and says who is logged in', async ({ lab, profile }) => {
    const login = profile.start(['login'])
    await lab.completeAuth(await urlFrom(login))
    expect(await login.finished).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^logged in: \S+\.tail-lab\.ts\.net \(100\.\S+, fd7a:\S+\)/),
    })
    expect(await profile.run(['curl', '-s', 'http://hello/'])).toMatchObject({ status: 0 })
    expect(await profile.run(['logout'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\S+\.tail-lab\.ts\.net is logged out\n$/),
    })
    expect(profile.pid()).toBeUndefined()
    const again = profile.start(['login'])
    await urlFrom(again)
    expect(await profile.run(['login', '--timeout=1s'])).toMatchObject({ status: 10 })
    again.child.kill('SIGINT')
    expect(await again.finished).toMatchObject({ signal: 'SIGINT' })
  })

  test('a key that comes while a session waits lets it in, and is shown nowhere', async ({
    profile,
  }) => {
    const waiting = profile.start(['curl', '-s', 'http://hello/'])
    await urlFrom(waiting)
    const login = await profile.run(['login', '--authkey=-'], { input: `${KEY}\n` })
    expect(login).toMatchObject({ status: 0, stderr: '' })
    expect(await waiting.finished).toMatchObject({ status: 0 })
    expect(profile.log() + login.stdout).not.toContain(KEY)
  })

  test('a key that is wrong is refused with a status of its own', async ({ profile }) => {
    const refused = await profile.run(['login'], { env: { TAILPROXY_AUTHKEY: 'tskey-auth-other' } })
    expect(refused).toMatchObject({ status: 13, stdout: '' })
    expect(refused.stderr).toMatch(/^tailproxy: [^\n]*refused[^\n]*\n$/)
    expect(refused.stderr + profile.log()).not.toContain('tskey-auth-other')
    expect(await profile.run(['up'], { env: { TS_AUTHKEY: KEY } })).toMatchObject({ status: 0 })
  })

  test('a node whose key expires says so, and is logged in again', async ({ lab, profile }) => {
    await profile.run(['up'], { env: { TAILPROXY_AUTHKEY: KEY } })
    await lab.expireKeys(true)
    await vi.waitFor(
      async () =>
        expect(await profile.run(['true'])).toMatchObject({
          status: 125,
          stderr: expect.stringContaining('the key of this node has expired; tailproxy login'),
        }),
      { timeout: 30_000 },
    )
    expect(await profile.run(['up', '--timeout=1s'])).toMatchObject({ status: 12 })
    await lab.expireKeys(false)
    expect(await profile.run(['login', `--authkey=${KEY}`])).toMatchObject({ status: 0 })
    expect(await profile.run(['curl', '-s', 'http://hello/'])).toMatchObject({ status: 0 })
  })

  test('down --purge logs out, and leaves nothing', async ({ profile }) => {
    await profile.run(['up'], { env: { TAILPROXY_AUTHKEY: KEY } })
    const { status, stderr } = await profile.run(['down', '--purge'])
    expect(status).toBe(0)
    expect(stderr).toMatch(/is logged out\n[^\n]*removed /)
    expect(existsSync(profile.state)).toBe(false)
  })
})

describe('a tailnet whose administrator approves machines', () => {
  const test = guarded({ requireApproval: true })

  test('login says so, and commands go on when one has', async ({ lab, profile }) => {
    expect(await profile.run(['login'])).toMatchObject({
      status: 11,
      stderr: expect.stringContaining('waits for an administrator'),
    })
    const waiting = profile.start(['curl', '-s', 'http://hello/'])
    await vi.waitFor(() => expect(waiting.output.stderr).toContain('administrator'), 20_000)
    await lab.approve(profile.env['TAILPROXY_HOSTNAME'] ?? '')
    expect(await waiting.finished).toMatchObject({ status: 0 })
  })
})

base('login reads a key from a file', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-login-'))
  const tailproxy = new Tailproxy('http://127.0.0.1:1')
  const { status, stderr } = await tailproxy.run(['login', '--authkey=file:none'], {
    cwd: directory,
  })
  expect({ status, stderr }).toEqual({
    status: 125,
    stderr: `tailproxy: cannot read the auth key in ${directory}/none: there is no such file\n`,
  })
  tailproxy.dispose()
  rmSync(directory, { recursive: true })
})
