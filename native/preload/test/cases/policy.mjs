// What SOCKS5 cannot carry, and what a wrong configuration lets through: nothing it should not.
import { equal, match } from 'node:assert/strict'
import { test } from '../lib/harness.mjs'
import { environmentFor, observe, observeBoth, run } from '../lib/program.mjs'
import { FOUR, SIX, TAILNET, testBoth, world } from '../lib/world.mjs'

for (const [host, loopback] of [
  [TAILNET, '127.0.0.1'],
  ['fd7a:115c:a1e0::5', '::1'],
  ['::ffff:100.64.0.5', '::1'],
]) {
  testBoth(`UDP to ${host} is ENETUNREACH, whatever sends it`, async (context, kind) => {
    const { env } = await world(context)
    const seen = await observe(context, 'datagrams', [host, 9], { env, kind })
    for (const call of ['sendto', 'sendmsg', 'sendmmsg', 'connect']) {
      match(seen, new RegExp(`^${call}: ENETUNREACH$`, 'm'))
    }
    match(seen, /^sendmmsg of three: 2$/m)
    match(seen, /^sendto loopback: ok$/m)
    if (loopback === '127.0.0.1') {
      match(seen, /^sendto unspecified: ENETUNREACH$/m)
      match(seen, /^IPv4 on an IPv6 socket: ENETUNREACH$/m)
      match(seen, /^connect on an IPv6 socket: ENETUNREACH$/m)
    }
  })
}

test('UDP to loopback is left alone, and so are the errors of bad pointers', async (context) => {
  const { closed, env } = await world(context)
  for (const host of ['127.0.0.1', '::1']) {
    const args = [host, closed]
    await observeBoth(context, 'datagrams', { direct: args, proxied: args, env })
  }
})

for (const name of ['TAILPROXY_EXIT', 'TAILPROXY_ONLY_TAILNET']) {
  test(`with ${name} no UDP leaves by the host`, async (context) => {
    const { socks } = await world(context)
    const env = environmentFor(socks, { [name]: '1' })
    const seen = await observe(context, 'datagrams', ['203.0.113.1', 9], { env })
    match(seen, /^sendto: ENETUNREACH$/m)
    match(seen, /^sendto loopback: ok$/m)
  })
}

test('sockets that SOCKS5 cannot carry do not reach the tailnet; MPTCP does, by the proxy', async (context) => {
  const { port, env } = await world(context)
  const seen = await observe(context, 'other-sockets', [TAILNET, port], { env })
  for (const line of seen.trim().split('\n')) {
    if (line.startsWith('mptcp')) equal(line, 'mptcp connect: ok')
    else if (!/^(write|read): /.test(line)) match(line, /: ENETUNREACH$/)
  }
})

test('without TAILPROXY_HOST and _PORT the library is inert', async (context) => {
  const { port, env } = await world(context)
  const { LD_PRELOAD } = env
  for (const args of [
    ['dial', ['127.0.0.1', port]],
    ['bad-address', [FOUR, SIX, 0].with(2, port)],
  ]) {
    equal(
      await observe(context, args[0], args[1], { env: { LD_PRELOAD } }),
      await observe(context, args[0], args[1], {}),
    )
  }
})

for (const broken of [
  { TAILPROXY_HOST: 'proxy.example' },
  { TAILPROXY_PORT: '0' },
  { TAILPROXY_PORT: '' },
  { TAILPROXY_PRELOAD_USER: 'u'.repeat(256) },
]) {
  const name = Object.entries(broken)[0].join('=').slice(0, 40)
  test(`with ${name} all but loopback is ENETDOWN, and stderr says why`, async (context) => {
    const { port, socks } = await world(context)
    const env = environmentFor(socks, broken)
    const away = await run(context, 'dial', [FOUR, port], { env })
    match(away.stdout, /^connect: ENETDOWN$/m)
    match(away.stderr, /^tailproxy: TAILPROXY_[^\n]+\n$/)
    const datagrams = await run(context, 'datagrams', ['203.0.113.1', 9], { env })
    match(datagrams.stdout, /^sendto: ENETDOWN$/m)
    const here = await run(context, 'dial', ['127.0.0.1', port], { env })
    match(here.stdout, /^connect: ok$/m)
    equal(socks.requests.length, 0)
  })
}

test('TAILPROXY_VERBOSE tells of each dial', async (context) => {
  const { port, closed, socks } = await world(context)
  const env = environmentFor(socks, { TAILPROXY_VERBOSE: '1' })
  const good = await run(context, 'dial', [SIX, port], { env })
  equal(good.stderr, `tailproxy: connect [${SIX}]:${port}: connected\n`)
  const bad = await run(context, 'dial', [FOUR, closed], { env })
  equal(bad.stderr, `tailproxy: connect ${FOUR}:${closed}: connection refused\n`)
})
