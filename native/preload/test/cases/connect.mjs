// connect() by every kind of socket: with the library and without, the same observations.
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from '../lib/harness.mjs'
import { environmentFor, observe, observeBoth } from '../lib/program.mjs'
import { CREDENTIAL, credentialEnvironment } from '../lib/servers.mjs'
import {
  FOUR,
  MAPPED,
  SIX,
  TAILNET,
  testWays,
  testWaysOnce,
  world,
  worldBy,
} from '../lib/world.mjs'

const families = [
  ['IPv4', '127.0.0.1', '127.0.0.1', FOUR, []],
  ['the tailnet', '127.0.0.1', '127.0.0.1', TAILNET, []],
  ['IPv6', '::1', '::1', SIX, []],
  ['v4-mapped IPv6', '127.0.0.1', '::ffff:127.0.0.1', MAPPED, []],
  ['an IPv6 socket with IPV6_V6ONLY', '::1', '::1', SIX, ['v6only']],
  ['IPv4 where IPV6_V6ONLY forbids it', '127.0.0.1', '::ffff:127.0.0.1', MAPPED, ['v6only']],
  ['a descriptor above 900', '127.0.0.1', '127.0.0.1', FOUR, ['high']],
  ['a program that clears its environment', '127.0.0.1', '127.0.0.1', FOUR, ['clearenv']],
]
for (const [name, host, direct, proxied, modes] of families) {
  testWays(`connects ${name}`, async (context, kind, way) => {
    const { port, env } = await worldBy(way, context, { host })
    await observeBoth(context, 'dial', {
      direct: [direct, port, 'echo', ...modes],
      proxied: [proxied, port, 'echo', ...modes],
      env,
      kind,
    })
  })
}

test('asks for the address that was asked for, v4-mapped as IPv4', async (context) => {
  const { port, env, socks } = await world(context)
  for (const host of [FOUR, MAPPED, SIX]) await observe(context, 'dial', [host, port], { env })
  deepEqual(
    socks.requests.map(({ addressType, host }) => [addressType, host]),
    [
      [1, FOUR],
      [1, FOUR],
      [4, SIX],
    ],
  )
})

test('sends greeting, credential and request in one write', async (context) => {
  const { port, socks } = await world(context, CREDENTIAL)
  const env = environmentFor(socks, credentialEnvironment)
  await observe(context, 'dial', [FOUR, port], { env })
  const [{ firstWrite, methods, user, password }] = socks.requests
  deepEqual(
    { firstWrite, methods, user, password },
    { firstWrite: true, methods: [2], ...CREDENTIAL },
  )
})

test('offers only "no authentication" without a user', async (context) => {
  const { port, env, socks } = await world(context)
  await observe(context, 'dial', [FOUR, port], { env })
  deepEqual(socks.requests[0].methods, [0])
})

testWays('a non-blocking connect() ends as the kernel has it end', async (context, kind, way) => {
  const { port, env } = await worldBy(way, context)
  const within = await observe(context, 'dial', [FOUR, port, 'echo', 'nonblocking'], { env, kind })
  const without = await observe(context, 'dial', ['127.0.0.1', port, 'echo', 'nonblocking'], {
    kind,
  })
  // Success at once is one of the two right answers.
  equal(within.replace('epoll: 1 writable\n', ''), without.replace('epoll: 1 writable\n', ''))
})

testWaysOnce(
  'a refused non-blocking connect() says so, at once or by SO_ERROR',
  async (context, way) => {
    const { closed, env } = await worldBy(way, context)
    const within = await observe(context, 'dial', [FOUR, closed, 'none', 'nonblocking'], { env })
    match(within, /^connect: ECONNREFUSED$/m)
  },
)
