// UDP over the dial socket: seen alike to an ordinary server, and never by the host's network.
import { deepEqual, equal, match } from 'node:assert/strict'
import os from 'node:os'
import process from 'node:process'
import { dialServer } from '../lib/dial-server.mjs'
import { test } from '../lib/harness.mjs'
import { observe, observeBoth, start } from '../lib/program.mjs'
import { echoDatagrams } from '../lib/servers.mjs'
import { missing, missingCommand } from '../lib/toolchain.mjs'
import { ROUTES, TAILNET, testBoth } from '../lib/world.mjs'

const TAILNET_SIX = 'fd7a:115c:a1e0::5'
const options = { needs: missing.go }
const families = [
  ['IPv4', '127.0.0.1', TAILNET],
  ['IPv6', '::1', TAILNET_SIX],
  ['IPv4 on an IPv6 socket', '::ffff:127.0.0.1', `::ffff:${TAILNET}`],
]

/** Two UDP echo servers, on the same ports of IPv4 and IPv6, and a dial socket that leads there. */
async function datagramWorld(context, settings = {}) {
  const [port, other] = [await echoDatagrams(context), await echoDatagrams(context)]
  const udpHosts = { [`${TAILNET}:*`]: '127.0.0.1:*', [`[${TAILNET_SIX}]:*`]: '[::1]:*' }
  const dial = await dialServer(context, { udpHosts, ...settings })
  return { port, other, dial, env: dial.env }
}

for (const [name, direct, proxied] of families) {
  testBoth(
    `datagrams go and come as the kernel's: ${name}`,
    async (context, kind) => {
      const { port, other, env } = await datagramWorld(context)
      await observeBoth(context, 'udp', {
        direct: [direct, port, other],
        proxied: [proxied, port, other],
        env,
        kind,
      })
    },
    options,
  )

  testBoth(
    `the kernel's refusals, and odd sockets: ${name}`,
    async (context, kind) => {
      const { port, env } = await datagramWorld(context)
      const args = { direct: [direct, port], proxied: [proxied, port], env, kind }
      await observeBoth(context, 'udp-odd', args)
    },
    options,
  )

  test(
    `a process that got the socket sees whom a datagram is from: ${name}`,
    async (context) => {
      const { port, env } = await datagramWorld(context)
      const args = { direct: [direct, port], proxied: [proxied, port], env }
      await observeBoth(context, 'udp-elsewhere', args)
    },
    options,
  )
}

for (const [host, fits] of [
  [TAILNET, 1252],
  [TAILNET_SIX, 1232],
  [`::ffff:${TAILNET}`, 1252],
]) {
  testBoth(
    `${fits} bytes to ${host} fit where fragments are forbidden, and not one more`,
    async (context, kind) => {
      const { port, env } = await datagramWorld(context)
      const seen = await observe(context, 'udp-mtu', [host, port], { env, kind })
      match(seen, /^path: 1280$/m)
      match(seen, /^segments: ok$/m)
      for (const line of seen.match(/^(none|fragments), .*/gm)) {
        const tooBig = line.startsWith(`none, ${fits + 1}`)
        match(line, tooBig ? /EMSGSIZE$/ : /ok$/)
      }
    },
    options,
  )
}

const [device, ownAddress] = hostAddress() ?? []

/** A device of this host besides lo, and its IPv4 address. */
function hostAddress() {
  for (const [name, addresses] of Object.entries(os.networkInterfaces())) {
    const found = addresses.find(({ internal, family }) => !internal && family === 'IPv4')
    if (found) return [name, found.address]
  }
}

test(
  "sockets tied to the host's address are carried, those tied to its device are not, and the host is its own business",
  async (context) => {
    const own = await echoDatagrams(context, ownAddress)
    const { port, dial, env } = await datagramWorld(context)
    dial.tell({ udpHosts: { '*:*': `127.0.0.1:${port}` } })
    const seen = await observe(context, 'udp-host', [TAILNET, own, ownAddress, device], { env })
    equal(
      seen,
      `bind: ok
from the address: ok
from the address: 4 from there
source device: ENETUNREACH
on the device: ENETUNREACH
connect on the device: ENETUNREACH
connect: ok
write: 4
read: ping
connect to the host: ok
peer: the destination
write: 4
read: ping
sendto the host: ok
sendto the host: 4 from there
`,
    )
    for (const { destination } of dial.told('flow')) equal(destination, `${TAILNET}:${own}`)
  },
  { needs: missing.go ?? (device ? undefined : 'a network device') },
)

for (const host of [TAILNET, TAILNET_SIX]) {
  testBoth(
    `the error queue names ${host}, not the flow socket`,
    async (context, kind) => {
      // Nobody listens there.
      const { env } = await dialServer(context, { udpHosts: { '*:*': '127.0.0.1:9' } })
      equal(
        await observe(context, 'udp-error', [host, 9], { env, kind }),
        `error queue: ok
sent to: the destination
error: ECONNREFUSED
offender: the destination
`,
      )
    },
    options,
  )
}

test(
  'one flow serves a socket and its destination, whatever sends',
  async (context) => {
    const { port, other, dial, env } = await datagramWorld(context)
    await observe(context, 'udp', [TAILNET, port, other], { env })
    // Two sockets, two destinations.
    equal(dial.told('flow').length, 4)
  },
  options,
)

for (const [name, settings, args, errors] of [
  ['refused', { udpHosts: {}, failures: { '*:*': 'refused' } }, [TAILNET], 'ECONNREFUSED'],
  ['without a route', { udpHosts: {} }, [TAILNET], 'ENETUNREACH'],
  ['blocked', { udp: 'block' }, [TAILNET], 'ENETUNREACH'],
  ['blocked, and not of the tailnet', { udp: 'block' }, ['203.0.113.1'], 'ENETUNREACH'],
  ['of the tailnet, when UDP is direct', { udp: 'direct' }, [TAILNET], 'ENETUNREACH'],
  [
    'in a route of the tailnet, when UDP is direct',
    { udp: 'direct', routes: ROUTES },
    ['198.51.100.7'],
    'ENETUNREACH',
  ],
  ['broadcast, with an exit node', { everything: true }, ['255.255.255.255'], 'ENETUNREACH'],
  ['multicast, with an exit node', { everything: true }, ['224.0.0.251'], 'ENETUNREACH'],
  ['multicast, with only the tailnet allowed', { onlyTailnet: true }, ['ff02::fb'], 'ENETUNREACH'],
]) {
  test(
    `a datagram to a destination that is ${name} is ${errors}, whatever sends it`,
    async (context) => {
      const { dial, env } = await datagramWorld(context, settings)
      const seen = await observe(context, 'datagrams', [...args, 9], { env })
      for (const call of ['sendto', 'sendmsg', 'sendmmsg', 'connect']) {
        match(seen, new RegExp(`^${call}: ${errors}$`, 'm'))
      }
      match(seen, /^sendmmsg of three: 2$/m)
      match(seen, /^sendto loopback: ok$/m)
      equal(dial.told('dial').length, 0)
    },
    options,
  )
}

for (const [name, settings, host] of [
  ['a subnet route', { routes: ROUTES }, '198.51.100.7'],
  ['an exit node', { everything: true }, '203.0.113.1'],
  ['only the tailnet allowed', { onlyTailnet: true }, '203.0.113.1'],
  ['each flow asked about', { asks: true }, '203.0.113.1'],
]) {
  test(
    `with ${name} UDP is carried to what that covers`,
    async (context) => {
      const { port, other, dial, env } = await datagramWorld(context, {
        ...settings,
        udpHosts: { '*:*': '127.0.0.1:*' },
      })
      const args = { direct: ['127.0.0.1', port, other], proxied: [host, port, other], env }
      await observeBoth(context, 'udp', args)
      deepEqual(dial.told('flow')[0].destination, `${host}:${port}`)
    },
    options,
  )
}

test(
  'queries to a resolver on loopback are answered by the session, even where UDP is blocked',
  async (context) => {
    for (const udp of ['proxy', 'block', 'direct']) {
      const { dial, env } = await datagramWorld(context, {
        udp,
        resolvers: ['127.0.0.53'],
        names: { 'hello.lab.ts.net': [TAILNET] },
      })
      const seen = await observe(context, 'udp-query', ['127.0.0.53', 'hello.lab.ts.net'], { env })
      equal(
        seen,
        `unconnected: ${TAILNET} from the resolver\nconnected: ${TAILNET} from the resolver\n`,
      )
      equal(dial.told('query').length, 2)
    }
  },
  options,
)

test(
  'a session that has ended takes no datagram, and lets none by',
  async (context) => {
    const { port, dial, env } = await datagramWorld(context)
    await dial.kill()
    const seen = await observe(context, 'datagrams', [TAILNET, port], { env })
    match(seen, /^sendto: ENETDOWN$/m)
    match(seen, /^connect: ENETDOWN$/m)
    match(seen, /^sendto loopback: ok$/m)
  },
  options,
)

test(
  'sockets that are neither TCP nor UDP do not reach the tailnet',
  async (context) => {
    const { port, env } = await datagramWorld(context)
    const seen = await observe(context, 'other-sockets', [TAILNET, port], { env })
    for (const line of seen.trim().split('\n')) {
      if (!/^(mptcp|write|read)/.test(line)) match(line, /: ENETUNREACH$/)
    }
  },
  options,
)

const PYTHON = `
import asyncio, socket, sys
there = (sys.argv[1], int(sys.argv[2]))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
    plain.settimeout(10)
    plain.sendto(b'plain', there)
    print(plain.recvfrom(64) == (b'plain', there))
    plain.connect(there)
    print(plain.getpeername() == there, plain.send(b'x'), plain.recv(64))
class Echo(asyncio.DatagramProtocol):
    def __init__(self): self.got = asyncio.get_running_loop().create_future()
    def datagram_received(self, data, address): self.got.set_result((data, address))
async def main(**how):
    loop = asyncio.get_running_loop()
    transport, echo = await loop.create_datagram_endpoint(Echo, **how)
    transport.sendto(b'loop', None if 'remote_addr' in how else there)
    print(await asyncio.wait_for(echo.got, 10) == (b'loop', there))
    transport.close()
asyncio.run(main(remote_addr=there))
asyncio.run(main(local_addr=('0.0.0.0', 0)))
`

const NODE = `
const [host, port] = [process.argv[1], Number(process.argv[2])]
const once = (it, name) => new Promise((resolve) => it.once(name, (...all) => resolve(all)))
const dgram = require('node:dgram')
const from = ([text, { address, port: number }]) => console.log(String(text), address === host && number === port)
async function main() {
  const plain = dgram.createSocket('udp4')
  plain.send('plain', port, host)
  from(await once(plain, 'message'))
  plain.close()
  const fixed = dgram.createSocket('udp4')
  fixed.connect(port, host)
  await once(fixed, 'connect')
  fixed.send('fixed')
  from(await once(fixed, 'message'))
  console.log(fixed.remoteAddress().address === host)
  fixed.close()
}
main()
`

for (const [name, command, args] of [
  ['Python, plain and asyncio', 'python3', ['-c', PYTHON]],
  ['Node', process.execPath, ['-e', NODE]],
]) {
  test(
    `${name}: datagrams as without the library`,
    async (context) => {
      const { port, env } = await datagramWorld(context)
      const without = await start(context, command, [...args, '127.0.0.1', port].map(String)).ended
      const within = await start(context, command, [...args, TAILNET, port].map(String), env).ended
      deepEqual(within, without)
      equal(within.status, 0)
    },
    { needs: missing.go ?? missingCommand(command) },
  )
}
