// Addresses the kernel refuses, descriptors after a failure, and the names a socket shows.
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from '../lib/harness.mjs'
import { environmentFor, observe, observeBoth, start } from '../lib/program.mjs'
import { echoServer, socksServer } from '../lib/servers.mjs'
import { missing, missingCommand, programPath } from '../lib/toolchain.mjs'
import {
  dialWorld,
  FOUR,
  MAPPED,
  SIX,
  testBoth,
  testWays,
  testWaysOnce,
  world,
  worldBy,
} from '../lib/world.mjs'

testWays('what the kernel refuses has the kernel’s errno', async (context, kind, way) => {
  const { closed, env, dials } = await worldBy(way, context)
  const direct = ['127.0.0.1', '::1', closed]
  await observeBoth(context, 'bad-address', { direct, proxied: [FOUR, SIX, closed], env, kind })
  // IPv6 addresses of 24 to 27 bytes are whole: none of those listed was.
  equal(dials(), 0)
})

testWays(
  'loopback in every spelling, and Unix sockets, are left alone',
  async (context, kind, way) => {
    const { port, env, dials } = await worldBy(way, context, { host: '::' })
    await observeBoth(context, 'loopback', { direct: [port], proxied: [port], env, kind })
    equal(dials(), 0)
  },
)

testWaysOnce('TAILPROXY_BYPASS is left alone', async (context, way) => {
  const { closed, dials, env: given } = await worldBy(way, context, { everything: true })
  // 240.0.0.0/4 is no destination to the kernel, which says so itself.
  const env = { ...given, TAILPROXY_BYPASS: '192.0.2.0/24,240.0.0.0/4' }
  const without = await observe(context, 'dial', ['255.255.255.255', closed], {})
  equal(await observe(context, 'dial', ['255.255.255.255', closed], { env }), without)
  equal(dials(), 0)
})

for (const [name, host, direct, proxied] of [
  ['IPv4', '127.0.0.1', '127.0.0.1', FOUR],
  ['IPv6', '::1', '::1', SIX],
]) {
  for (const bound of [[], ['bound']]) {
    const title = `after a failed connect() the ${name} descriptor ${bound.length ? 'that was bound ' : ''}connects`
    testWays(title, async (context, kind, way) => {
      const { port, closed, env } = await worldBy(way, context, { host })
      await observeBoth(context, 'again', {
        direct: [direct, closed, port, ...bound],
        proxied: [proxied, closed, port, ...bound],
        env,
        kind,
      })
    })
  }
  testWays(
    `getpeername() and getsockname() of ${name} by every way`,
    async (context, kind, way) => {
      const { port, env } = await worldBy(way, context, { host })
      const args = { direct: [direct, port], proxied: [proxied, port], env, kind }
      match(await observeBoth(context, 'peers', args), /^local is loopback: 1$/m)
    },
  )
}

testWaysOnce('a v4-mapped peer is v4-mapped', async (context, way) => {
  const { port, env } = await worldBy(way, context)
  const direct = ['::ffff:127.0.0.1', port]
  await observeBoth(context, 'peers', { direct, proxied: [MAPPED, port], env })
})

for (const [source, host, direct, proxied] of [
  ['0.0.0.0', '127.0.0.1', '127.0.0.1', FOUR],
  ['127.0.0.5', '127.0.0.1', '127.0.0.1', FOUR],
  ['::', '::1', '::1', SIX],
  ['::ffff:127.0.0.5', '127.0.0.1', '::ffff:127.0.0.1', MAPPED],
]) {
  testWays(`a socket bound to ${source} shows that`, async (context, kind, way) => {
    const { port, env } = await worldBy(way, context, { host })
    await observeBoth(context, 'bound', {
      direct: [source, direct, port],
      proxied: [source, proxied, port],
      env,
      kind,
    })
  })
}

test('an IPv6 socket bound to an IPv6 address cannot reach an IPv4 proxy: ENETUNREACH', async (context) => {
  const { port, env } = await world(context)
  match(await observe(context, 'bound', ['::1', SIX, port], { env }), /^connect: ENETUNREACH$/m)
})

test('it can reach a proxy at ::1, which an IPv4 socket cannot', async (context) => {
  const { port } = await echoServer(context)
  const socks = await socksServer(context, { host: '::1', routes: { [`*:${port}`]: port } })
  const env = environmentFor(socks, { TAILPROXY_HOST: '::1' })
  match(await observe(context, 'bound', ['::1', SIX, port], { env }), /^bound: 1$/m)
  match(await observe(context, 'dial', [FOUR, port], { env }), /^connect: ENETUNREACH$/m)
})

testWaysOnce(
  'nothing is written into a socket that has the number of standard error',
  async (context, way) => {
    const { port, env: given } = await worldBy(way, context)
    const env = { ...given, TAILPROXY_VERBOSE: '1' }
    await observeBoth(context, 'stderr-gone', {
      direct: ['127.0.0.1', port],
      proxied: [FOUR, port],
      env,
    })
  },
)

for (const [limit, seen] of [
  [64, 'ok'],
  [16, 'ok'],
  // No number of ten or more is left for the channel.
  [8, 'ENETDOWN'],
]) {
  testBoth(
    `with ${limit} descriptors a dial is ${seen}`,
    async (context, kind) => {
      const { port, env } = await dialWorld(context)
      const command = `ulimit -n ${limit}; exec "$@"`
      const args = ['-c', command, 'sh', programPath('dial', kind), FOUR, String(port)]
      const { stdout, stderr } = await start(context, 'sh', args, env).ended
      equal(stderr, '')
      match(stdout, new RegExp(`^connect: ${seen}$`, 'm'))
    },
    { needs: missing.go },
  )
}

const SHOW_DESCRIPTORS = `
import os, socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))):
    print(*sorted(int(name) for name in os.listdir('/proc/self/fd')))
`
for (const [limit, below] of [
  [64, 64],
  [4000, 1024],
]) {
  test(
    `the library’s own descriptors are the highest of ${below} where ${limit} are allowed`,
    async (context) => {
      const { port, env } = await dialWorld(context)
      const numbers = async (host, variables) => {
        const entries = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
        const program = [...entries, 'python3', '-c', SHOW_DESCRIPTORS, host, String(port)]
        const args = ['-c', `ulimit -n ${limit}; exec env "$@"`, 'sh', ...program]
        return (await start(context, 'sh', args).ended).stdout.trim().split(' ').map(Number)
      }
      const plain = await numbers('127.0.0.1', {})
      const own = (await numbers(FOUR, env)).filter((number) => !plain.includes(number))
      deepEqual(own, [below - 24, below - 23])
    },
    { needs: missing.go ?? missingCommand('python3') },
  )
}
