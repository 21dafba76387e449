import { test as base, expect } from 'vitest'
import { type FakeSidecarBehaviour, fakeSidecar } from '../fake.ts'
import { Lab } from './lab.ts'
import { Sidecar } from './sidecar.ts'

const START = { hostname: 'laptop', stateDir: '/nonexistent', ephemeral: false }

const test = base.extend<{ started: (behaviour?: FakeSidecarBehaviour) => Promise<Sidecar> }>({
  started: async ({}, use) => {
    const all: Sidecar[] = []
    await use(async (behaviour) => {
      const sidecar = await Sidecar.spawn(fakeSidecar(behaviour))
      all.push(sidecar)
      await sidecar.start(START)
      return sidecar
    })
    await Promise.all(all.map((sidecar) => sidecar.stop(0)))
  },
})

test('logs a node in anew, and says where', async ({ started }) => {
  const sidecar = await started({ authUrl: 'https://log.in/2' })
  const urls: string[] = []
  sidecar.on('authUrl', (url) => urls.push(url))
  expect(await sidecar.login()).toMatchObject({ hostname: 'laptop' })
  expect(urls).toEqual(['https://log.in/2'])
})

test('rejects a login with the reason', async ({ started }) => {
  const sidecar = await started({ loginFailure: { code: 'denied', message: 'expired' } })
  await expect(sidecar.login({ authKey: 'tskey-auth-old' })).rejects.toMatchObject({
    reason: 'denied',
  })
})

test('stops waiting for a login by its signal', async ({ started }) => {
  const sidecar = await started({ neverLogsIn: true })
  const reason = new Error('never mind')
  await expect(sidecar.login({}, AbortSignal.abort(reason))).rejects.toBe(reason)
})

test('logs out, and starts anew', async ({ started }) => {
  const sidecar = await started()
  await sidecar.logout()
  expect((await sidecar.status()).state).toBe('stopped')
  await expect(sidecar.logout()).rejects.toMatchObject({ reason: 'not-connected' })
  await sidecar.start(START)
})

test('decides who may be on a lab, and takes its control server down and up', async () => {
  const lab = await Lab.start({
    ...fakeSidecar({
      lab: { controlUrl: 'http://127.0.0.1:4000', domain: 'fake.ts.net', nodes: [] },
      labUrls: ['http://127.0.0.1:4000/auth/1'],
    }),
    authKey: 'tskey-auth-lab',
    requireAuth: true,
    requireApproval: true,
  })
  await lab.completeAuth('http://127.0.0.1:4000/auth/1')
  await expect(lab.completeAuth('http://127.0.0.1:4000/auth/2')).rejects.toMatchObject({
    reason: 'no-such-host',
  })
  await lab.approve('laptop')
  await lab.expireKeys(true)
  await lab.stopControl()
  await lab.startControl()
  await lab.stop()
})
