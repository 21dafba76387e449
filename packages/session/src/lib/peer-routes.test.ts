import { once } from 'node:events'
import { request } from 'node:http'
import { connectSocks5 } from '@tailproxy/socks5/client'
import { expect } from 'vitest'
import { clientOf, POLICY, hostTest as test } from '../testing/session.ts'
import { SessionClient } from './session-client.ts'

const hello = {
  ...{ id: 'n1', name: 'hello.fake.ts.net', addresses: ['100.64.0.1'], online: true },
  ...{ exitNodeOption: false, os: 'linux' },
}
const away = { ...hello, id: 'n2', name: 'away.fake.ts.net', online: false }

test('lists the peers, and how they are reached', async ({ host }) => {
  const client = new SessionClient((await host({ peers: [hello, away] })).socketPath)
  expect(await client.peers()).toMatchObject([
    { ...hello, path: { kind: 'none' }, bytesUp: 0 },
    { name: 'away.fake.ts.net', online: false },
  ])
})

test('pings a peer, and says why there is no answer', async ({ host }) => {
  const client = new SessionClient((await host({ peers: [hello, away] })).socketPath)
  expect(await client.ping('hello', 1_000)).toEqual({
    ...{ name: 'hello.fake.ts.net', address: '100.64.0.1', latencyMs: 0.25 },
    path: { kind: 'direct', endpoint: '127.0.0.1:41641' },
  })
  await expect(client.ping('away', 1_000)).rejects.toMatchObject({ reason: 'timed-out' })
  await expect(client.ping('hullo', 1_000)).rejects.toMatchObject({ reason: 'no-such-host' })
  await expect(client.ping('hello', 60_000)).rejects.toMatchObject({ reason: 'invalid' })
})

test('lists the newest flows, as many as are asked for', async ({ host, echo }) => {
  const opened = await host({ targets: { '100.64.0.1:7': echo } })
  const session = await opened.ready
  const run = await session.register('run', POLICY)
  const stop = await session.watch()
  const destination = { host: '100.64.0.1', port: 7 }
  const sockets = await Promise.all(
    [1, 2].map(() => connectSocks5({ ...clientOf(session, run), destination })),
  )
  const { flows, total } = await new SessionClient(opened.socketPath).flows(1)
  expect({ count: flows.length, total }).toEqual({ count: 1, total: 2 })
  expect(flows[0]).toMatchObject({ run: 'run', destination: '100.64.0.1:7', route: 'tailnet' })
  stop()
  for (const socket of sockets) socket.destroy()
})

test.for(['?limit=0', '?limit=many', ''])(
  'refuses to list flows of "%s"',
  async (query, { host }) => {
    const { socketPath, ready } = await host({})
    await ready
    const asked = request({ socketPath, path: `/v1/flows${query}`, agent: false }).end()
    const [response] = await once(asked, 'response')
    response.resume()
    expect(response.statusCode).toBe(400)
  },
)

test('looks at the network', async ({ host }) => {
  const client = new SessionClient((await host({})).socketPath)
  expect(await client.netcheck()).toMatchObject({ udp: true, natType: 'none', controlMs: 1.25 })
})
