import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { test as base, expect } from 'vitest'
import { type FakeSidecarBehaviour, fakeSidecar } from '../fake.ts'
import type { RunPolicy } from './node-messages.ts'
import { type ExportRequest, Sidecar, type SidecarOptions } from './sidecar.ts'
import type { Ask } from './sidecar-messages.ts'

type Spawn = (
  behaviour?: FakeSidecarBehaviour,
  options?: Partial<SidecarOptions>,
) => Promise<Sidecar>

const test = base.extend<{ spawn: Spawn; greeter: string }>({
  spawn: async ({}, use) => {
    const spawned: Sidecar[] = []
    await use(async (behaviour, options) => {
      const sidecar = await Sidecar.spawn({ ...fakeSidecar(behaviour), ...options })
      spawned.push(sidecar)
      return sidecar
    })
    await Promise.all(spawned.map((sidecar) => sidecar.stop(0)))
  },
  greeter: async ({}, use) => {
    const server = createServer((socket) => socket.end('hello'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    await use(typeof address === 'object' ? `127.0.0.1:${address?.port}` : '')
    server.close()
  },
})

const PEER = {
  id: 'n2',
  name: 'hello.fake.ts.net',
  addresses: ['100.64.0.1'],
  online: true,
  exitNodeOption: false,
}

function request(target: string, more: Partial<ExportRequest> = {}): ExportRequest {
  return {
    port: 8000,
    targets: [target],
    allow: { users: [], tags: [] },
    ask: false,
    proxyProtocol: false,
    showPeers: false,
    maxConnections: 10,
    ...more,
  }
}

function call(address: string | undefined): Socket {
  const [host, port] = address?.split(':') ?? []
  return connect({ host: host ?? '', port: Number(port) })
}

test('serves a target, and tells how that does', async ({ spawn, greeter }) => {
  const sidecar = await spawn()
  const states: number[] = []
  const ended = new Promise<void>((resolve) => {
    sidecar.on('exportState', ({ connections }) => {
      states.push(connections)
      if (connections === 0) resolve()
    })
  })
  const { export: id, addresses } = await sidecar.export(request(greeter, { run: 'run-1' }))
  expect(await text(call(addresses[0]))).toBe('hello')
  await ended
  expect(states).toEqual([1, 0])
  expect(await sidecar.exports()).toMatchObject([
    { export: id, run: 'run-1', port: 8000, targets: [greeter], accepted: 1, bytesUp: 5 },
  ])
})

test('refuses a port that is taken, with who has it', async ({ spawn, greeter }) => {
  const sidecar = await spawn({ takenPorts: { 22: "port 22 is the node's own" } })
  await sidecar.export(request(greeter))
  await expect(sidecar.export(request(greeter))).rejects.toMatchObject({ reason: 'busy' })
  await expect(sidecar.export(request(greeter, { port: 22 }))).rejects.toThrow("node's own")
})

test('sends connections elsewhere from now on', async ({ spawn, greeter }) => {
  const sidecar = await spawn()
  const { export: id, addresses } = await sidecar.export(request('127.0.0.1:1'))
  await sidecar.retarget(id, [greeter])
  expect(await text(call(addresses[0]))).toBe('hello')
  await sidecar.unexport(id)
  await expect(sidecar.retarget(id, [greeter])).rejects.toMatchObject({ reason: 'aborted' })
})

test('ends an export, and those of a run with the run', async ({ spawn, greeter }) => {
  const sidecar = await spawn()
  const { export: id } = await sidecar.export(request(greeter))
  await sidecar.unexport(id, { drain: true })
  await sidecar.unexport(id)
  const policy: RunPolicy = { onlyTailnet: false, bypass: [], ask: false, udp: 'proxy' }
  await sidecar.register('run-1', 'x'.repeat(32), policy, '/run/control.sock')
  await sidecar.export(request(greeter, { run: 'run-1' }))
  await sidecar.unregister('run-1')
  expect(await sidecar.exports()).toEqual([])
})

test('asks about a connection from the tailnet', async ({ spawn, greeter }) => {
  const asks: Ask[] = []
  const onAsk = (ask: Ask) => {
    asks.push(ask)
    return { allow: false, reason: 'closed on Sundays' }
  }
  const sidecar = await spawn({}, { onAsk })
  const { export: id, addresses } = await sidecar.export(request(greeter, { ask: true }))
  const refused = call(addresses[0])
  const [error] = await once(refused, 'error')
  expect(error).toMatchObject({ code: 'ECONNRESET' })
  expect(asks).toMatchObject([{ direction: 'inbound', origin: 'export', export: id }])
})

test('looks whether sockets listen, whatever the size of their cookies', async ({
  spawn,
  greeter,
}) => {
  const sidecar = await spawn()
  const cookie = 2n ** 64n - 1n
  expect(
    await sidecar.listening([
      { address: greeter, cookie },
      { address: '127.0.0.1:1', cookie: 1n },
    ]),
  ).toEqual([true, false])
})

test('takes no answer for another number of sockets', async ({ spawn }) => {
  const sidecar = await spawn({ results: { listening: { listening: [] } } })
  await expect(sidecar.listening([{ address: '127.0.0.1:1', cookie: 1n }])).rejects.toMatchObject({
    code: 'ERR_SIDECAR_PROTOCOL',
  })
})

test('knows who has an address', async ({ spawn }) => {
  const sidecar = await spawn({ peers: [PEER] })
  expect(await sidecar.whois('100.64.0.1')).toEqual(PEER)
  expect(await sidecar.whois('100.64.0.77')).toBeUndefined()
})
