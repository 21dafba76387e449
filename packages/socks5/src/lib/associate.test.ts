import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect, vi } from 'vitest'
import { test as base, greeting, hasIpv6 } from '../testing/sockets.ts'
import type { SocksAddress } from './address.ts'
import { associateSocks5, type Socks5Association } from './associate.ts'
import { decodeDatagram, encodeDatagram } from './datagram.ts'
import { encodeRequest } from './request.ts'

const commands = ['udp-associate'] as const

interface Fixtures {
  /** Opens a UDP socket that ends with the test. */
  bind: (host?: string) => Promise<{ socket: UdpSocket; address: SocksAddress }>
  udpEcho: SocksAddress
  /** Opens an association that ends with the test. */
  associate: (proxy: SocksAddress) => Promise<Socks5Association>
}

const test = base.extend<Fixtures>({
  bind: async ({}, use) => {
    const sockets: UdpSocket[] = []
    await use(async (host = '127.0.0.1') => {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
      sockets.push(socket)
      socket.bind(0, host)
      await once(socket, 'listening')
      const type = host.includes(':') ? 'ipv6' : 'ipv4'
      return { socket, address: { type, host, port: socket.address().port } }
    })
    for (const socket of sockets) socket.close()
  },
  udpEcho: async ({ bind }, use) => {
    const { socket, address } = await bind()
    socket.on('message', (data, from) => socket.send(data, from.port, from.address))
    await use(address)
  },
  associate: async ({}, use) => {
    const associations: Socks5Association[] = []
    await use(async (proxy) => {
      const association = await associateSocks5({ proxy })
      associations.push(association)
      return association
    })
    for (const association of associations) association.close()
  },
})

test('datagrams go to and fro', async ({ startProxy, associate, udpEcho }) => {
  const { at } = await startProxy({ commands })
  const association = await associate(at)
  expect(association.relay).toMatchObject({ type: 'ipv4', host: '127.0.0.1' })
  const answered = once(association, 'message')
  await association.send(Buffer.from('ping'), udpEcho)
  expect(await answered).toEqual([Buffer.from('ping'), udpEcho])
})

test.skipIf(!hasIpv6)(
  'datagrams go to names and to IPv6',
  async ({ startProxy, associate, bind }) => {
    const { at } = await startProxy({ commands, resolve: async () => ['::1'] })
    const { socket, address } = await bind('::1')
    const association = await associate(at)
    const received = once(socket, 'message')
    await association.send(Buffer.from('by name'), { host: 'six.test', port: address.port })
    const [data, from] = await received
    expect(String(data)).toBe('by name')
    const answered = once(association, 'message')
    socket.send('back', from.port, from.address)
    expect(await answered).toEqual([Buffer.from('back'), address])
  },
)

test('rules are asked once for each destination', async ({
  startProxy,
  associate,
  udpEcho,
  bind,
}) => {
  const denied = await bind()
  const rules = vi.fn(({ destination }: { destination: SocksAddress }) =>
    destination.port === udpEcho.port
      ? ({ allow: true } as const)
      : ({ allow: false, reason: 'not the echo' } as const),
  )
  const { at } = await startProxy({ commands, rules })
  const association = await associate(at)
  const onDenied = vi.fn()
  denied.socket.on('message', onDenied)
  for (const data of ['one', 'two']) {
    await association.send(Buffer.from(data), denied.address)
    const answered = once(association, 'message')
    await association.send(Buffer.from(data), udpEcho)
    await answered
  }
  expect(rules).toHaveBeenCalledTimes(2)
  expect(onDenied).not.toHaveBeenCalled()
})

test('fragments, strangers and what is malformed are dropped', async ({
  startProxy,
  open,
  bind,
  udpEcho,
}) => {
  const { at } = await startProxy({ commands })
  const control = await open(at)
  const destination = { type: 'ipv4', host: '0.0.0.0', port: 0 } as const
  control.send(greeting, encodeRequest({ command: 'udp-associate', destination }))
  await control.read(2)
  const { bound } = await control.readReply()
  const client = await bind()
  const stranger = await bind()
  const answers: string[] = []
  client.socket.on('message', (bytes) => answers.push(String(decodeDatagram(bytes).data)))
  const send = (from: UdpSocket, bytes: Uint8Array) =>
    new Promise((resolve) => from.send(bytes, bound.port, bound.host, resolve))
  const datagram = (text: string, fragment = 0) =>
    encodeDatagram({ fragment, destination: udpEcho, data: Buffer.from(text) })

  await send(client.socket, datagram('first'))
  await vi.waitFor(() => expect(answers).toEqual(['first']))
  await send(client.socket, datagram('fragment', 1))
  await send(client.socket, datagram('cut').subarray(0, 5))
  await send(client.socket, Buffer.from('not a datagram at all'))
  await send(stranger.socket, datagram('stranger'))
  await send(client.socket, datagram('last'))
  await vi.waitFor(() => expect(answers).toEqual(['first', 'last']))
})

// Only Linux has all of 127.0.0.0/8 without being told to.
test.skipIf(process.platform !== 'linux')(
  'answers come only from hosts that were asked',
  async ({ startProxy, associate, bind }) => {
    const { at } = await startProxy({ commands })
    const asked = await bind('127.0.0.1')
    const stranger = await bind('127.0.0.2')
    const association = await associate(at)
    const messages: string[] = []
    association.on('message', (data) => messages.push(String(data)))
    const received = once(asked.socket, 'message')
    await association.send(Buffer.from('hello'), asked.address)
    const [, { port }] = await received
    await new Promise((resolve) => stranger.socket.send('unasked', port, '127.0.0.1', resolve))
    await new Promise((resolve) => asked.socket.send('asked', port, '127.0.0.1', resolve))
    await vi.waitFor(() => expect(messages).toEqual(['asked']))
  },
)

test('the relay ends with the connection', async ({ startProxy, associate }) => {
  const { proxy, at } = await startProxy({ commands })
  const closed = once(proxy, 'client:closed')
  const association = await associate(at)
  association.close()
  expect(await closed).toMatchObject([{}, undefined])
  await vi.waitFor(() => expect(proxy.connections.serving).toBe(0))
})

test('the association ends with the proxy', async ({ startProxy, associate, udpEcho }) => {
  const { proxy, at } = await startProxy({ commands })
  const association = await associate(at)
  const closed = once(association, 'close')
  await proxy.close({ immediate: true })
  await closed
  await association.send(Buffer.from('nobody'), udpEcho)
})

test('a proxy without UDP says so', async ({ startProxy }) => {
  const { at } = await startProxy()
  await expect(associateSocks5({ proxy: at })).rejects.toMatchObject({ replyCode: 7 })
})

test.for([
  ['ERR_SOCKS5_ADDRESS', { host: '[::1]', port: 1 }],
  ['ERR_SOCKS5_FIELD', { host: '::1', port: 65_536 }],
] as const)(
  'a destination that cannot be sent is %s',
  async ([code, to], { startProxy, associate }) => {
    const { at } = await startProxy({ commands })
    const association = await associate(at)
    await expect(association.send(Buffer.from('a'), to)).rejects.toMatchObject({ code })
  },
)
