import { test as base, expect } from 'vitest'
import { type FakeSidecarBehaviour, fakeSidecar } from '../fake.ts'
import { Sidecar } from './sidecar.ts'

const WEB = {
  id: 'p1',
  name: 'web.fake.ts.net',
  addresses: ['100.64.0.5'],
  online: true,
  exitNodeOption: false,
}
const OFF = { ...WEB, id: 'p2', name: 'off.fake.ts.net', addresses: ['100.64.0.6'], online: false }

const test = base.extend<{ spawn: (behaviour?: FakeSidecarBehaviour) => Promise<Sidecar> }>({
  spawn: async ({}, use) => {
    const all: Sidecar[] = []
    await use(async (behaviour) => {
      const sidecar = await Sidecar.spawn(fakeSidecar(behaviour))
      all.push(sidecar)
      return sidecar
    })
    await Promise.all(all.map((sidecar) => sidecar.stop(0)))
  },
})

test('tells of peers, the way to them and what flows had to do with them', async ({ spawn }) => {
  const sidecar = await spawn({ peers: [{ ...WEB, connects: 3 }] })
  expect(await sidecar.peers()).toEqual([
    { ...WEB, path: { kind: 'none' }, bytesUp: 0, bytesDown: 0, connects: 3, failures: 0 },
  ])
})

test('lists no flows when there are none', async ({ spawn }) => {
  const sidecar = await spawn()
  expect(await sidecar.flowList()).toEqual({ flows: [], total: 0 })
})

test('pings a peer by name or address', async ({ spawn }) => {
  const sidecar = await spawn({ peers: [WEB, OFF] })
  expect(await sidecar.ping('web')).toMatchObject({ name: WEB.name, latencyMs: 0.25 })
  expect(await sidecar.ping('100.64.0.5')).toMatchObject({ name: WEB.name })
  await expect(sidecar.ping('off', 10)).rejects.toMatchObject({ reason: 'timed-out' })
  await expect(sidecar.ping('nobody')).rejects.toMatchObject({ reason: 'no-such-host' })
})

test('looks at the network before the start', async ({ spawn }) => {
  const sidecar = await spawn()
  expect(await sidecar.netcheck('https://control.example.com')).toMatchObject({
    natType: 'none',
    relays: [{ code: 'fake' }],
  })
})

test('counts', async ({ spawn }) => {
  const sidecar = await spawn({ peers: [WEB] })
  expect(await sidecar.metrics()).toMatchObject({
    connectLatency: { count: 0 },
    bytes: { routes: { tailnet: { up: 0, down: 0 } } },
    peers: [{ name: WEB.name }],
  })
})

test('tells of warnings and of the control server', async ({ spawn }) => {
  const sidecar = await spawn({ health: ['no relay'] })
  await sidecar.start({
    hostname: 'laptop',
    stateDir: '/nonexistent',
    ephemeral: false,
    controlUrl: 'https://control.example.com',
  })
  expect(await sidecar.status()).toMatchObject({
    health: ['no relay'],
    controlUrl: 'https://control.example.com',
  })
})
