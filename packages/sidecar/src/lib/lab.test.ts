import { test as base, expect } from 'vitest'
import { fakeSidecar } from '../fake.ts'
import { Lab } from './lab.ts'

const INFO = {
  controlUrl: 'http://127.0.0.1:4000',
  domain: 'fake.ts.net',
  nodes: [{ name: 'hello.fake.ts.net', addresses: ['100.64.0.1'] }],
}

const test = base.extend<{ lab: Lab }>({
  lab: async ({}, use) => {
    const lab = await Lab.start(fakeSidecar({ lab: INFO }))
    await use(lab)
    await lab.stop(0)
  },
})

test('knows how to reach the tailnet it started', ({ lab }) => {
  expect(lab.info).toEqual(INFO)
})

test('adds and removes nodes, forwards and records', async ({ lab }) => {
  const node = await lab.addNode('web', [{ port: 80, target: '127.0.0.1:8080' }])
  expect(node.name).toBe('web.fake.ts.net')
  await lab.addForward('web', 81, '127.0.0.1:8081')
  await lab.addRecord('db', '100.64.0.1')
  await lab.removeNode('web')
  await expect(lab.removeNode('web')).rejects.toMatchObject({ reason: 'no-such-host' })
})

test('stops in order', async ({ lab }) => {
  expect(await lab.stop()).toEqual({ code: 0, signal: null })
  expect(await lab.ended).toMatchObject({ code: 'ERR_SIDECAR_CHANNEL_CLOSED' })
})

test('leaves nothing behind when the lab does not come up', async () => {
  await expect(Lab.start(fakeSidecar())).rejects.toMatchObject({ reason: 'protocol' })
})

test('ends a start by its signal', async () => {
  const controller = new AbortController()
  const started = Lab.start({ ...fakeSidecar({ lab: INFO }), signal: controller.signal })
  const reason = new Error('never mind')
  controller.abort(reason)
  await expect(started).rejects.toBe(reason)
})
