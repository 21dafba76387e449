import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { fakeSidecar } from '../fake.ts'
import type { RunPolicy } from './node-messages.ts'
import { Sidecar } from './sidecar.ts'

const POLICY: RunPolicy = { onlyTailnet: false, bypass: [], ask: false, udp: 'proxy' }
const DESTINATION = { host: '100.64.0.1', port: 80 }

/** A sidecar, and a client of its run `curl` that is connected to a server. */
async function flowing() {
  const server = createServer((socket) => {
    // Who connects may leave before it has read.
    socket.on('error', () => {}).end('hello')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const sidecar = await Sidecar.spawn(
    fakeSidecar({ targets: { '100.64.0.1:80': `127.0.0.1:${port}` } }),
  )
  await sidecar.register('curl', 't'.repeat(32), POLICY)
  const dialled = new Promise((resolve) =>
    sidecar.on('client', (client) =>
      resolve(
        sidecar.clientDial({
          client,
          run: 'curl',
          ...DESTINATION,
          deadlineMs: 10_000,
          onSuccess: new Uint8Array(),
        }),
      ),
    ),
  )
  const [host, socks] = (await sidecar.listenSocks()).split(':')
  const socket = connect(Number(socks), host)
  socket.on('error', () => {})
  socket.write('please')
  await dialled
  return {
    sidecar,
    socket,
    async [Symbol.asyncDispose]() {
      socket.destroy()
      server.close()
      await sidecar.stop(0)
    },
  }
}

test('a run is released when its last flow ends', async () => {
  await using world = await flowing()
  const { sidecar, socket } = world
  let released = false
  const release = sidecar.release('curl').then(() => {
    released = true
  })
  const { runs } = await sidecar.status()
  expect(runs).toMatchObject([{ run: 'curl', flows: 1, processes: 0, negotiating: 0 }])
  expect(released).toBe(false)
  socket.end()
  await release
  expect((await sidecar.status()).runs).toMatchObject([{ run: 'curl', flows: 0 }])
})

test('a run that is unregistered, and one that nobody knows, are released at once', async () => {
  await using world = await flowing()
  const { sidecar } = world
  await sidecar.release('wget')
  const release = sidecar.release('curl')
  await sidecar.unregister('curl')
  await release
  expect((await sidecar.status()).runs).toEqual([])
})

test('a wait for a release ends with its signal', async () => {
  await using world = await flowing()
  const controller = new AbortController()
  const release = world.sidecar.release('curl', controller.signal)
  const reason = new Error('enough')
  controller.abort(reason)
  await expect(release).rejects.toBe(reason)
})
