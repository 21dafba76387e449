import { test as base, expect } from 'vitest'
import { fakeSidecar } from '../fake.ts'
import type { ExitNodeChange } from './exit-node-messages.ts'
import { Lab } from './lab.ts'
import { Sidecar } from './sidecar.ts'

const berlin = {
  id: 'n4',
  name: 'berlin.fake.ts.net',
  addresses: ['100.64.0.4'],
  online: true,
  location: { country: 'Germany', city: 'Berlin' },
}
const paris = { id: 'n5', name: 'paris.fake.ts.net', addresses: ['100.64.0.5'], online: false }

const test = base.extend<{ sidecar: Sidecar }>({
  sidecar: async ({}, use) => {
    const sidecar = await Sidecar.spawn(fakeSidecar({ exitNodes: [berlin, paris] }))
    await use(sidecar)
    await sidecar.stop(0)
  },
})

test('lists the exit nodes, and says which is set', async ({ sidecar }) => {
  await sidecar.setExitNode(['berlin'])
  expect(await sidecar.exitNodes()).toEqual([
    { ...berlin, selected: true },
    { ...paris, selected: false },
  ])
})

test.for(['berlin', 'berlin.fake.ts.net.', '100.64.0.4', 'n4', 'auto'])(
  'sets an exit node by %s',
  async (wanted, { sidecar }) => {
    const changes: ExitNodeChange[] = []
    sidecar.on('exitNodeState', (change) => changes.push(change))
    const node = await sidecar.setExitNode([wanted], { lanAccess: true })
    expect(node).toEqual({ ...berlin, selected: true })
    expect(changes).toEqual([{ state: 'up', node }])
    expect((await sidecar.status()).exitNode).toEqual({
      state: 'up',
      node,
      wanted: [wanted],
      lanAccess: true,
    })
  },
)

test('takes the first that can be used, and says of none why', async ({ sidecar }) => {
  expect(await sidecar.setExitNode(['paris', 'berlin'])).toMatchObject({ id: 'n4' })
  await expect(sidecar.setExitNode(['paris'])).rejects.toMatchObject({ reason: 'exit-node-down' })
  await expect(sidecar.setExitNode(['rome'])).rejects.toMatchObject({ reason: 'no-such-host' })
  await expect(sidecar.setExitNode(['paris', 'rome'])).rejects.toThrow(/paris.*rome/)
  expect((await sidecar.status()).exitNode).toMatchObject({ wanted: ['paris', 'berlin'] })
})

test('goes without an exit node again', async ({ sidecar }) => {
  await sidecar.setExitNode(['auto'])
  const changes: ExitNodeChange[] = []
  sidecar.on('exitNodeState', (change) => changes.push(change))
  expect(await sidecar.setExitNode([])).toBeUndefined()
  expect(changes).toEqual([{ state: 'none' }])
  expect((await sidecar.status()).exitNode).toBeUndefined()
})

test('suggests one', async ({ sidecar }) => {
  expect(await sidecar.suggestExitNode()).toMatchObject({ name: berlin.name, selected: false })
})

test('has exit nodes in a lab', async () => {
  const info = { controlUrl: 'http://127.0.0.1:4000', domain: 'fake.ts.net', nodes: [] }
  const lab = await Lab.start(fakeSidecar({ lab: info }))
  try {
    await lab.addNode('berlin', [], { exitNode: 'unapproved' })
    await lab.setExitNodeApproved('berlin', true)
    await lab.removeNode('berlin', { offline: true })
    await expect(lab.setExitNodeApproved('berlin', true)).rejects.toMatchObject({
      reason: 'no-such-host',
    })
  } finally {
    await lab.stop(0)
  }
})
