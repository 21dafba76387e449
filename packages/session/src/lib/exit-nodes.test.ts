import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { collectSettings } from '@tailproxy/config'
import { expect } from 'vitest'
import { hostTest as test } from '../testing/session.ts'
import { awaitReady } from './join-session.ts'
import { SessionClient } from './session-client.ts'
import type { SessionHost } from './session-host.ts'

const berlin = {
  id: 'n4',
  name: 'berlin.fake.ts.net',
  addresses: ['100.64.0.4'],
  online: true,
  location: { country: 'Germany', city: 'Berlin' },
}
const paris = { id: 'n5', name: 'paris.fake.ts.net', addresses: ['100.64.0.5'], online: true }
const rome = { id: 'n6', name: 'rome.fake.ts.net', addresses: ['100.64.0.6'], online: false }
const exitNodes = [berlin, paris, rome]

const chosenIn = (directory: string): string => path.join(directory, 'state/exit-node.json')

async function isTaken(
  host: SessionHost,
  sources: { flags?: object; env?: NodeJS.ProcessEnv },
): Promise<unknown> {
  const settings = await collectSettings({ env: {}, discover: false, ...sources })
  return awaitReady(host.socketPath, settings).catch((error: unknown) => error)
}

test('lists the exit nodes, the one that is set, and the one it suggests', async ({ host }) => {
  const client = new SessionClient((await host({ exitNodes })).socketPath)
  expect((await client.exitNodes()).exitNode).toBeUndefined()
  expect(await client.suggestExitNode()).toMatchObject({ name: berlin.name, selected: false })
  expect(await client.setExitNode(['paris'], { lanAccess: true })).toMatchObject({ id: 'n5' })
  expect(await client.exitNodes()).toEqual({
    nodes: [
      { ...berlin, selected: false },
      { ...paris, selected: true },
      { ...rome, selected: false },
    ],
    exitNode: {
      state: 'up',
      node: { ...paris, selected: true },
      wanted: ['paris'],
      lanAccess: true,
    },
  })
})

test.for([
  ['rome', 'exit-node-down'],
  ['oslo', 'no-such-host'],
] as const)('refuses %s with %s, and keeps what was set', async ([name, code], { host }) => {
  const client = new SessionClient((await host({ exitNodes })).socketPath)
  await client.setExitNode(['berlin'])
  await expect(client.setExitNode([name])).rejects.toMatchObject({
    code: 'ERR_SESSION_REFUSED',
    reason: code,
  })
  expect((await client.exitNodes()).exitNode).toMatchObject({ wanted: ['berlin'] })
})

test('refuses a choice that is none', async ({ host }) => {
  const client = new SessionClient((await host({ exitNodes })).socketPath)
  await expect(client.setExitNode([''])).rejects.toMatchObject({ reason: 'invalid' })
  const many = Array.from({ length: 17 }, (_, at) => `node-${at}`)
  await expect(client.setExitNode(many)).rejects.toMatchObject({ reason: 'invalid' })
})

test('remembers what was chosen for the next session, until it is taken back', async ({
  host,
  directory,
}) => {
  const first = await host({ exitNodes })
  await new SessionClient(first.socketPath).setExitNode(['paris', 'auto'])
  await first.close()
  expect(statSync(chosenIn(directory)).mode & 0o777).toBe(0o600)
  const second = await host({ exitNodes })
  expect((await second.ready).exitNode).toEqual({ nodes: ['paris', 'auto'], lanAccess: false })
  await new SessionClient(second.socketPath).setExitNode([])
  expect(existsSync(chosenIn(directory))).toBe(false)
})

test('does not come up without what was chosen', async ({ host, directory }) => {
  const first = await host({ exitNodes })
  await new SessionClient(first.socketPath).setExitNode(['paris'])
  await first.close()
  const second = await host({ exitNodes: [berlin] })
  await expect(second.ready).rejects.toMatchObject({ reason: 'no-such-host' })
  await second.ended
  writeFileSync(chosenIn(directory), '{"nodes": []}')
  await expect(host({ exitNodes })).rejects.toMatchObject({ code: 'ERR_SESSION_STATE_DIRECTORY' })
})

test('begins with what settings name, whatever was chosen before', async ({ host, directory }) => {
  const first = await host({ exitNodes })
  await new SessionClient(first.socketPath).setExitNode(['paris'])
  await first.close()
  const second = await host({ exitNodes }, { exitNode: 'berlin' })
  expect((await second.ready).exitNode.nodes).toEqual(['berlin'])
  expect(JSON.parse(readFileSync(chosenIn(directory), 'utf8'))).toMatchObject({ nodes: ['paris'] })
})

test('holds a command to what was chosen by its flags, not by its variables', async ({ host }) => {
  const session = await host({ exitNodes }, { exitNode: 'berlin' })
  const byVariable = { env: { ...process.env, TAILPROXY_EXIT_NODE: 'paris' } }
  expect(await isTaken(session, byVariable)).toMatchObject({ reason: 'other-session' })
  await new SessionClient(session.socketPath).setExitNode(['rome', 'berlin'])
  expect(await isTaken(session, byVariable)).toMatchObject({ event: 'ready' })
  const byFlag = { flags: { exitNode: 'berlin' } }
  expect(await isTaken(session, byFlag)).toMatchObject({ reason: 'other-session' })
  const sameFlag = { flags: { exitNode: 'rome,berlin' } }
  expect(await isTaken(session, sameFlag)).toMatchObject({ event: 'ready' })
})
