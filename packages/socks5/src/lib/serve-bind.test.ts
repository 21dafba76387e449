import { once } from 'node:events'
import { expect } from 'vitest'
import { greeting, test } from '../testing/sockets.ts'
import { encodeRequest } from './request.ts'

const commands = ['bind'] as const

function bindRequest(host: string) {
  return encodeRequest({ command: 'bind', destination: { type: 'ipv4', host, port: 0 } })
}

test.for(['0.0.0.0', '127.0.0.1'])(
  'BIND for %s answers with a port, then with who came, then copies',
  async (expected, { startProxy, open }) => {
    const { at } = await startProxy({ commands })
    const client = (await open(at)).send(greeting, bindRequest(expected))
    await client.read(2)
    const { replyCode, bound } = await client.readReply()
    expect({ replyCode, host: bound.host }).toEqual({ replyCode: 0, host: '127.0.0.1' })
    const peer = await open(bound)
    const { localAddress: host, localPort: port } = peer.socket
    expect(await client.readReply()).toMatchObject({ replyCode: 0, bound: { host, port } })
    peer.socket.end('from outside')
    expect(await client.readText(12)).toBe('from outside')
    expect(await client.ended()).toBe(true)
    client.send('back')
    expect(await peer.readText(4)).toBe('back')
  },
)

test('BIND takes one connection only', async ({ startProxy, open }) => {
  const { at } = await startProxy({ commands })
  const client = (await open(at)).send(greeting, bindRequest('0.0.0.0'))
  await client.read(2)
  const { bound } = await client.readReply()
  await open(bound)
  await client.readReply()
  await expect(open(bound)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('BIND resets whom the client does not expect and goes on waiting', async ({
  startProxy,
  open,
}) => {
  const { at } = await startProxy({ commands, bindTimeout: 100 })
  const client = (await open(at)).send(greeting, bindRequest('192.0.2.7'))
  await client.read(2)
  const { bound } = await client.readReply()
  const isReset = open(bound).then(
    (stranger) => stranger.reset(),
    (error) => error.code === 'ECONNRESET',
  )
  expect(await isReset).toBe(true)
  expect(await client.readReply()).toMatchObject({ replyCode: 6 })
})

test('BIND for whom nobody comes gets reply 6', async ({ startProxy, open }) => {
  const { at } = await startProxy({ commands, bindTimeout: 10 })
  const client = (await open(at)).send(greeting, bindRequest('0.0.0.0'))
  await client.read(2)
  await client.readReply()
  expect(await client.readReply()).toMatchObject({ replyCode: 6 })
  expect(await client.ended()).toBe(true)
})

test('BIND ends with its client', async ({ startProxy, open }) => {
  const { proxy, at } = await startProxy({ commands })
  const failed = once(proxy, 'client:failed')
  const client = (await open(at)).send(greeting, bindRequest('0.0.0.0'))
  await client.read(2)
  const { bound } = await client.readReply()
  client.socket.end()
  await failed
  await expect(open(bound)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})
