import { existsSync } from 'node:fs'
import path from 'node:path'
import { collectSettings, type RawSettings } from '@tailproxy/config'
import { expect, vi } from 'vitest'
import { hostTest as test } from '../testing/session.ts'
import { awaitReady } from './join-session.ts'
import { loginAgain } from './login-again.ts'
import { SessionClient } from './session-client.ts'
import type { SessionHost } from './session-host.ts'

const withKey = (key: string): Promise<RawSettings> =>
  collectSettings({ flags: { authKey: key }, env: {}, discover: false })

async function urlOf(host: SessionHost): Promise<string | undefined> {
  return (await new SessionClient(host.socketPath).status()).url
}

test('logs in again by a key, or by the address that it tells', async ({ host }) => {
  const session = await host({})
  const ready = { event: 'ready', node: { name: 'tailproxy.fake.ts.net' } }
  expect(await loginAgain(session.socketPath, { settings: await withKey('k') })).toMatchObject(
    ready,
  )
  await session.close()

  const other = await host({ authUrl: 'https://log.in/2' })
  await other.ready
  const told: object[] = []
  const onWait = (progress: object): void => void told.push(progress)
  expect(await loginAgain(other.socketPath, {}, { onWait })).toMatchObject(ready)
  expect(told).toEqual([{ event: 'state', state: 'needs-login', url: 'https://log.in/2' }])
  expect(other.progress.current).toEqual({ state: 'running' })
})

test('says why a login was refused, and goes on as before', async ({ host }) => {
  const session = await host({
    authUrl: 'https://log.in/1',
    loginFailure: { code: 'denied', message: 'the auth key has expired' },
  })
  await expect(loginAgain(session.socketPath, {})).rejects.toMatchObject({
    reason: 'denied',
    message: 'the auth key has expired',
  })
  expect(session.progress.current).toEqual({ state: 'running' })
  expect(await awaitReady(session.socketPath, {})).toMatchObject({ event: 'ready' })
})

test('gives a login up when whoever asked for it has gone', async ({ host }) => {
  const session = await host({ authUrl: 'https://log.in/1', neverLogsIn: true })
  await session.ready
  const controller = new AbortController()
  const reason = new Error('never mind')
  const onWait = (): void => controller.abort(reason)
  const login = loginAgain(session.socketPath, {}, { onWait, signal: controller.signal })
  await expect(login).rejects.toBe(reason)
  await vi.waitFor(() => expect(session.progress.current).toEqual({ state: 'running' }))
})

test('is brought up anew with a key that a command brings while it waits for a login', async ({
  host,
  directory,
}) => {
  const waitOnce = path.join(directory, 'waited')
  const session = await host({ states: ['needs-login'], authUrl: 'https://log.in/1', waitOnce })
  await vi.waitFor(async () => expect(await urlOf(session)).toBe('https://log.in/1'))
  const without = awaitReady(session.socketPath, {})
  const ready = await awaitReady(session.socketPath, await withKey('tskey-auth-1'))
  expect(ready).toMatchObject({ event: 'ready' })
  expect(await without).toEqual(ready)
})

test('refuses commands while its key has expired', async ({ host }) => {
  const session = await host({})
  await session.ready
  session.progress.set({ state: 'needs-login', detail: 'key-expired' })
  await expect(awaitReady(session.socketPath, {})).rejects.toMatchObject({
    reason: 'key-expired',
    message: 'the key of this node has expired; tailproxy login logs it in again',
  })
  await loginAgain(session.socketPath, {})
  expect(await awaitReady(session.socketPath, {})).toMatchObject({ event: 'ready' })
})

test('ends when its node was logged out, and forgets which exit node was chosen', async ({
  host,
  directory,
}) => {
  const berlin = { id: 'n4', name: 'berlin.fake.ts.net', addresses: ['100.64.0.4'], online: true }
  const session = await host({ exitNodes: [berlin] })
  const client = new SessionClient(session.socketPath)
  await client.setExitNode(['berlin'])
  await client.logout()
  expect(await session.ended).toMatchObject({ message: 'the node was logged out' })
  expect(existsSync(path.join(directory, 'state/exit-node.json'))).toBe(false)
})
