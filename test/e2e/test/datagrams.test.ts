import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import { test as base } from '../support/tailnet.ts'

const udpWays = fileURLToPath(new URL('../fixtures/udp_ways.py', import.meta.url))

const test = base.extend<{ echoHere: number }>({
  /** The port of a UDP echo on loopback. */
  echoHere: async ({}, use) => {
    const socket = createSocket('udp4')
    socket.on('message', (message, { port, address }) => socket.send(message, port, address))
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    await use(socket.address().port)
    socket.close()
  },
})

test.skipIf(lacks('python3'))(
  named('datagrams reach a peer, and come back from its address', 'python3'),
  async ({ tailnet: { tailproxy, hello } }) => {
    const { ipv4, ipv6 } = hello
    const { stdout } = await tailproxy.run(['python3', udpWays, ipv4, '7', ipv6, '7'])
    const lines = [ipv4, ipv6].flatMap((host) =>
      ['sendto', 'connect'].map((way) => `${way}: ping from ${host} 7\n`),
    )
    expect(stdout).toBe(lines.join(''))
  },
)

test.skipIf(lacks('python3')).for(['block', 'direct'])(
  named('with --udp %s no datagram goes to the tailnet, and this host is left alone', 'python3'),
  async (how, { tailnet: { tailproxy, hello }, echoHere }) => {
    const { ipv4, ipv6 } = hello
    const command = ['python3', udpWays, ipv4, '7', ipv6, '7', '127.0.0.1', String(echoHere)]
    const { stdout } = await tailproxy.run(['--udp', how, ...command])
    const refused = ['sendto', 'connect'].map((way) => `${way}: ENETUNREACH\n`).join('')
    const here = ['sendto', 'connect'].map((way) => `${way}: ping from 127.0.0.1 ${echoHere}\n`)
    expect(stdout).toBe(refused + refused + here.join(''))
  },
)
