import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findSidecar, Lab, Sidecar } from '@tailproxy/sidecar'
import { test as base, expect, vi } from 'vitest'

/** Milliseconds, far more than it takes. */
const PATIENCE = 30_000

interface Tailnet {
  lab: Lab
  sidecar: Sidecar
  /** What `exitNodeState` told, as `up second`. */
  changes: string[]
}

const test = base.extend<{ tailnet: Tailnet }>({
  tailnet: async ({}, use) => {
    const stateDir = path.join(mkdtempSync(path.join(tmpdir(), 'tailproxy-e2e-')), 'state')
    const lab = await Lab.start({ binary: findSidecar() })
    const sidecar = await Sidecar.spawn({ binary: findSidecar() })
    const changes: string[] = []
    sidecar.on('exitNodeState', ({ state, node }) =>
      changes.push(node ? `${state} ${node.name.split('.')[0]}` : state),
    )
    await lab.addNode('second', [], { exitNode: 'approved' })
    await lab.addNode('third', [], { exitNode: 'unapproved' })
    const { controlUrl } = lab.info
    await sidecar.start({ hostname: 'client', stateDir, controlUrl, ephemeral: true })
    await use({ lab, sidecar, changes })
    await sidecar.stop() // first: it logs out at the lab's control server
    await lab.stop()
    rmSync(path.dirname(stateDir), { recursive: true })
  },
})

test('an exit node is listed, suggested, set and left', async ({ tailnet }) => {
  const { sidecar, changes } = tailnet
  const listed = await sidecar.exitNodes()
  expect(listed.map(({ name }) => name.split('.')[0])).toEqual(['exit', 'second'])
  expect(listed).toContainEqual(await sidecar.suggestExitNode())
  expect(await sidecar.setExitNode(['second'], { lanAccess: true })).toMatchObject({
    id: listed[1]?.id,
    selected: true,
  })
  expect((await sidecar.status()).exitNode).toMatchObject({ state: 'up', lanAccess: true })
  expect(await sidecar.setExitNode([])).toBeUndefined()
  expect(changes).toEqual(['up second', 'none'])
})

test.for([
  ['secnod', 'no-such-host', /did you mean second/],
  ['hello', 'denied', /not an exit node/],
  ['third', 'denied', /approved/],
] as const)('%s is no exit node: %s', async ([wanted, reason, says], { tailnet }) => {
  const set = tailnet.sidecar.setExitNode([wanted])
  await expect(set).rejects.toMatchObject({ reason, message: expect.stringMatching(says) })
})

test('the next of the list takes over from one that goes offline', async ({ tailnet }) => {
  const { lab, sidecar, changes } = tailnet
  await sidecar.setExitNode(['exit', 'third', 'second'])
  await lab.removeNode('exit', { offline: true })
  const down = ['up exit', 'down exit', 'up second']
  await vi.waitFor(() => expect(changes).toEqual(down), { timeout: PATIENCE })
  await lab.setExitNodeApproved('second', false)
  await lab.setExitNodeApproved('third', true)
  const next = ['down second', 'up third']
  await vi.waitFor(() => expect(changes.slice(3)).toEqual(next), { timeout: PATIENCE })
})
