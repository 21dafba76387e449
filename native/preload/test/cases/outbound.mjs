// connect() and what follows it: with the library and without, the same observations.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from '../lib/harness.mjs'
import { environmentFor, observe, observeBoth, run, start } from '../lib/program.mjs'
import {
  CREDENTIAL,
  closedPort,
  credentialEnvironment,
  echoServer,
  slowServer,
  socksServer,
} from '../lib/servers.mjs'
import { reply } from '../lib/socks-server.mjs'
import { missing, programPath } from '../lib/toolchain.mjs'
import { replies } from './unit.mjs'

const FOUR = '198.51.100.7'
const SIX = '2001:db8::7'
const MAPPED = '::ffff:198.51.100.7'
const TAILNET = '100.64.0.5'

const libcs = [
  { kind: 'glibc', needs: undefined },
  { kind: 'musl', needs: missing.musl },
]

/** Both C libraries run the test; `kind` goes to observe(). */
function testBoth(name, run) {
  for (const { kind, needs } of libcs) test(`${name} (${kind})`, (c) => run(c, kind), { needs })
}

/** An echo server, and a SOCKS5 server through which every address leads there. */
async function world(context, { host, banner, ...options } = {}) {
  const echo = await echoServer(context, { host, banner })
  const closed = await closedPort(context)
  let target = echo.port
  if (host === '::1') target = (await echoServer(context, { banner })).port
  const socks = await socksServer(context, { routes: { [`*:${echo.port}`]: target }, ...options })
  return { port: echo.port, closed, socks, env: environmentFor(socks) }
}

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
  testBoth(`connects ${name}`, async (context, kind) => {
    const { port, env } = await world(context, { host })
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
  deepEqual({ firstWrite, methods, user, password }, { firstWrite: true, methods: [2], ...CREDENTIAL })
})

test('offers only "no authentication" without a user', async (context) => {
  const { port, env, socks } = await world(context)
  await observe(context, 'dial', [FOUR, port], { env })
  deepEqual(socks.requests[0].methods, [0])
})

testBoth('a non-blocking connect() ends as the kernel has it end', async (context, kind) => {
  const { port, env } = await world(context)
  const within = await observe(context, 'dial', [FOUR, port, 'echo', 'nonblocking'], { env, kind })
  const without = await observe(context, 'dial', ['127.0.0.1', port, 'echo', 'nonblocking'], { kind })
  // Success at once is one of the two right answers.
  equal(within.replace('epoll: 1 writable\n', ''), without.replace('epoll: 1 writable\n', ''))
})

test('a refused non-blocking connect() says so, at once or by SO_ERROR', async (context) => {
  const { closed, env } = await world(context)
  const within = await observe(context, 'dial', [FOUR, closed, 'none', 'nonblocking'], { env })
  match(within, /^connect: ECONNREFUSED$/m)
})

// --- the reply ---

const BANNER = '220 the server speaks first'
const bounds = {
  IPv4: reply(0),
  IPv6: Buffer.from([5, 0, 0, 4, ...Array(16).fill(9), 1, 2]),
  'an empty domain': Buffer.from([5, 0, 0, 3, 0, 1, 2]),
  'the longest domain': Buffer.from([5, 0, 0, 3, 255, ...Array(255).fill(97), 1, 2]),
}
for (const [name, bound] of Object.entries(bounds)) {
  for (const chunk of [0, 1, 7]) {
    const how = chunk ? `${chunk} bytes at a time` : 'in one piece'
    test(`a reply with ${name}, ${how}, leaves what follows to the program`, async (context) => {
      const socks = await socksServer(context, {
        async onConnect(_request, socket, before) {
          const all = Buffer.concat([before, bound, Buffer.from(BANNER)])
          socket.setNoDelay(true)
          for (let at = 0; at < all.length; at += chunk || all.length) {
            socket.write(all.subarray(at, at + (chunk || all.length)))
            if (chunk) await new Promise((resolve) => setImmediate(resolve))
          }
          socket.end()
          return true
        },
      })
      for (const modes of [[], ['nonblocking'], ['lowat']]) {
        const args = [FOUR, 80, 'read', ...modes]
        const seen = await observe(context, 'dial', args, { env: environmentFor(socks) })
        match(seen, new RegExp(`^connect: ok$`, 'm'))
        ok(seen.includes(`read ${BANNER.length}: ${BANNER}\n`), seen)
      }
    })
  }
}

/** A server that answers a request with these bytes, and then ends unless told to stay. */
function answering(context, bytes, { stay = false, reset = false } = {}) {
  return socksServer(context, {
    onConnect(_request, socket) {
      if (reset) socket.resetAndDestroy()
      else if (stay) socket.write(Buffer.from(bytes))
      else socket.end(Buffer.from(bytes))
      return true
    },
  })
}

for (const { reply: code, errno } of replies) {
  testBoth(`reply ${code} is ${errno}`, async (context, kind) => {
    const socks = await answering(context, [5, 0, ...reply(code)])
    for (const modes of [[], ['nonblocking']]) {
      const args = [FOUR, 80, 'none', ...modes]
      const seen = await observe(context, 'dial', args, { env: environmentFor(socks), kind })
      match(seen, new RegExp(`^connect: ${errno}\\npending: 0\\n`))
      match(seen, /^peer: ENOTCONN$/m)
    }
  })
}

const wrong = [
  ['an unassigned reply', [5, 0, 5, 9, 0, 1, 0, 0, 0, 0, 0, 0], 'ENETDOWN'],
  ['a refusal without an address', [5, 0, 5, 5], 'ECONNREFUSED'],
  ['no acceptable method', [5, 255], 'EACCES'],
  ['a method that was not offered', [5, 2], 'ENETDOWN'],
  ['SOCKS4', [0, 90, 0, 0, 0, 0, 0, 0], 'ENETDOWN'],
  ['HTTP', [...Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')], 'ENETDOWN'],
  ['another version in the reply', [5, 0, 4, 0, 0, 1, 0, 0, 0, 0, 0, 0], 'ENETDOWN'],
  ['an unknown address type', [5, 0, 5, 0, 0, 9, 0, 0, 0, 0, 0, 0], 'ENETDOWN'],
  ['nothing', [], 'ENETDOWN'],
  ['half a method', [5], 'ENETDOWN'],
  ['half a reply', [5, 0, 5, 0, 0, 1, 127], 'ENETDOWN'],
]
for (const [name, bytes, errno] of wrong) {
  test(`${name} from the proxy is ${errno}`, async (context) => {
    const socks = await answering(context, bytes)
    for (const modes of [[], ['nonblocking']]) {
      const args = [FOUR, 80, 'none', ...modes]
      const seen = await observe(context, 'dial', args, { env: environmentFor(socks) })
      match(seen, new RegExp(`^connect: ${errno}\\npending: 0\\n`))
    }
  })
}

test('a refusal is believed while the proxy keeps the connection open', async (context) => {
  const socks = await answering(context, [5, 0, ...reply(5)], { stay: true })
  const seen = await observe(context, 'dial', [FOUR, 80], { env: environmentFor(socks) })
  match(seen, /^connect: ECONNREFUSED$/m)
})

test('a wrong credential is EACCES', async (context) => {
  const { port, socks } = await world(context, CREDENTIAL)
  const env = environmentFor(socks, { ...credentialEnvironment, TAILPROXY_PRELOAD_PASSWORD: 'no' })
  match(await observe(context, 'dial', [FOUR, port], { env }), /^connect: EACCES$/m)
})

test('a proxy that resets the connection is ENETDOWN, and no SIGPIPE', async (context) => {
  const socks = await answering(context, [], { reset: true })
  match(
    await observe(context, 'dial', [FOUR, 80], { env: environmentFor(socks) }),
    /^connect: ENETDOWN$/m,
  )
})

test('a proxy that is gone is ENETDOWN, not the refusal of the destination', async (context) => {
  const env = environmentFor({ port: await closedPort(context) })
  for (const modes of [[], ['nonblocking']]) {
    const seen = await observe(context, 'dial', [FOUR, 80, 'none', ...modes], { env })
    match(seen, /^connect: ENETDOWN$/m)
  }
})

// --- signals and time limits ---

/** A SOCKS5 server that leaves every dial waiting until `release()`. */
async function waitingServer(context) {
  const held = []
  const socks = await socksServer(context, {
    onConnect(_request, socket) {
      held.push(socket)
      return true
    },
  })
  return {
    port: socks.port,
    release: () => held.splice(0).map((socket) => socket.write(Buffer.from([5, 0, ...reply(0)]))),
  }
}

async function observeWaiting(context, program, host, server, args, { env, kind, until }) {
  const port = env ? 80 : server.port
  const command = programPath(program, kind)
  const child = start(context, command, [host, port, ...args].map(String), env)
  await child.says(until)
  server.release()
  const { status, stdout, stderr } = await child.ended
  deepEqual({ status, stderr }, { status: 0, stderr: '' })
  return stdout
}

async function waitBoth(context, program, args, until, kind) {
  const direct = await slowServer(context)
  const without = await observeWaiting(context, program, '127.0.0.1', direct, args, { until, kind })
  const socks = await waitingServer(context)
  const env = environmentFor(socks)
  const within = await observeWaiting(context, program, FOUR, socks, args, { env, until, kind })
  equal(within, without)
  return within
}

testBoth('a handler with SA_RESTART does not end connect()', async (context, kind) => {
  const seen = await waitBoth(context, 'signals', ['restart'], 'told\n', kind)
  match(seen, /^told\nconnect: ok\nand again: EISCONN\n/)
})

testBoth('a handler without it does; connect() again goes on', async (context, kind) => {
  const seen = await waitBoth(context, 'signals', ['plain'], 'peer: ENOTCONN\n', kind)
  match(seen, /connect: EINTR\npeer: ENOTCONN\nconnect again: ok\nand again: EISCONN\n/)
})

test('after EINTR poll() and SO_ERROR end the dial', async (context) => {
  const seen = await waitBoth(context, 'signals', ['plain', 'poll'], 'connect: EINTR\n')
  match(seen, /^pending: 0$/m)
})

test('a signal every half millisecond shows nowhere', async (context) => {
  const { port, env } = await world(context, { chunk: 1 })
  const args = { direct: ['127.0.0.1', port, 'storm'], proxied: [FOUR, port, 'storm'], env }
  match(await observeBoth(context, 'signals', args), /^failures: 0, signals: many$/m)
})

testBoth('SO_SNDTIMEO bounds connect(), which can be taken up again', async (context, kind) => {
  const seen = await waitBoth(context, 'timeouts', ['send'], 'late\n', kind)
  match(seen, /^connect: EINPROGRESS\npeer: ENOTCONN\nconnect again: EALREADY\n/)
})

test('SO_RCVTIMEO does not', async (context) => {
  const delay = 200
  const socks = await socksServer(context, {
    onConnect(_request, socket) {
      setTimeout(() => socket.write(Buffer.from([5, 0, ...reply(0)])), delay)
      return true
    },
  })
  const env = environmentFor(socks)
  const seen = await observe(context, 'timeouts', [FOUR, 80, 'receive'], { env })
  match(seen, /^connect: ok\nthen: EISCONN\npeer: the destination\nthe timeout is kept: 1\n$/)
})

test('O_NONBLOCK is never changed, as another thread sees', async (context) => {
  const socks = await waitingServer(context)
  const env = environmentFor(socks)
  const args = { env, until: 'watched\n' }
  const seen = await observeWaiting(context, 'flags', FOUR, socks, [], args)
  match(seen, /^changes: 0\nwatched\nconnect: ok\n/m)
})

test('a signal handler that interrupts connect() can connect', async (context) => {
  const held = []
  const socks = await socksServer(context, {
    onConnect(request, socket) {
      if (request.port === 80) socket.write(Buffer.from([5, 0, ...reply(0)]))
      else held.push(socket)
      return true
    },
  })
  const args = [FOUR, '80', '81']
  const child = start(context, programPath('from-handler'), args, environmentFor(socks))
  await child.says('told\n')
  for (const socket of held) socket.write(Buffer.from([5, 0, ...reply(0)]))
  const { stdout } = await child.ended
  equal(stdout, 'told\nconnect: ok\nin the handler: 0\npeer: the destination\n')
})

// --- addresses and descriptors ---

testBoth('what the kernel refuses has the kernel’s errno', async (context, kind) => {
  const { closed, env, socks } = await world(context)
  const direct = ['127.0.0.1', '::1', closed]
  await observeBoth(context, 'bad-address', { direct, proxied: [FOUR, SIX, closed], env, kind })
  // IPv6 addresses of 24 to 27 bytes are whole: none of those listed was.
  equal(socks.requests.length, 0)
})

testBoth('loopback in every spelling, and Unix sockets, are left alone', async (context, kind) => {
  const { port, env, socks } = await world(context, { host: '::' })
  await observeBoth(context, 'loopback', { direct: [port], proxied: [port], env, kind })
  equal(socks.requests.length, 0)
})

test('TAILPROXY_BYPASS is left alone', async (context) => {
  const { closed, socks } = await world(context)
  // 240.0.0.0/4 is no destination to the kernel, which says so itself.
  const env = environmentFor(socks, { TAILPROXY_BYPASS: '192.0.2.0/24,240.0.0.0/4' })
  const without = await observe(context, 'dial', ['255.255.255.255', closed], {})
  equal(await observe(context, 'dial', ['255.255.255.255', closed], { env }), without)
  equal(socks.requests.length, 0)
})

for (const [name, host, direct, proxied] of [
  ['IPv4', '127.0.0.1', '127.0.0.1', FOUR],
  ['IPv6', '::1', '::1', SIX],
]) {
  for (const bound of [[], ['bound']]) {
    const title = `after a failed connect() the ${name} descriptor ${bound.length ? 'that was bound ' : ''}connects`
    testBoth(title, async (context, kind) => {
      const { port, closed, env } = await world(context, { host })
      await observeBoth(context, 'again', {
        direct: [direct, closed, port, ...bound],
        proxied: [proxied, closed, port, ...bound],
        env,
        kind,
      })
    })
  }
  testBoth(`getpeername() and getsockname() of ${name} by every way`, async (context, kind) => {
    const { port, env } = await world(context, { host })
    const args = { direct: [direct, port], proxied: [proxied, port], env, kind }
    match(await observeBoth(context, 'peers', args), /^local is loopback: 1$/m)
  })
}

test('a v4-mapped peer is v4-mapped', async (context) => {
  const { port, env } = await world(context)
  const direct = ['::ffff:127.0.0.1', port]
  await observeBoth(context, 'peers', { direct, proxied: [MAPPED, port], env })
})

for (const [source, host, direct, proxied] of [
  ['0.0.0.0', '127.0.0.1', '127.0.0.1', FOUR],
  ['127.0.0.5', '127.0.0.1', '127.0.0.1', FOUR],
  ['::', '::1', '::1', SIX],
  ['::ffff:127.0.0.5', '127.0.0.1', '::ffff:127.0.0.1', MAPPED],
]) {
  testBoth(`a socket bound to ${source} shows that`, async (context, kind) => {
    const { port, env } = await world(context, { host })
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

test('it can reach a proxy at ::1', async (context) => {
  const { port, socks } = await world(context, { host: '::1', proxy: '::1' })
  const six = await socksServer(context, { host: '::1', routes: { [`*:${port}`]: port } })
  const env = environmentFor(six, { TAILPROXY_HOST: '::1' })
  const target = await echoServer(context)
  six.requests.length = 0
  const routed = await socksServer(context, {
    host: '::1',
    routes: { [`*:${target.port}`]: target.port },
  })
  env.TAILPROXY_PORT = String(routed.port)
  match(await observe(context, 'bound', ['::1', SIX, target.port], { env }), /^bound: 1$/m)
  match(await observe(context, 'dial', [FOUR, target.port], { env }), /^connect: ENETUNREACH$/m)
  equal(socks.requests.length, 0)
})

test('nothing is written into a socket that has the number of standard error', async (context) => {
  const { port, socks } = await world(context)
  const env = environmentFor(socks, { TAILPROXY_VERBOSE: '1' })
  await observeBoth(context, 'stderr-gone', { direct: ['127.0.0.1', port], proxied: [FOUR, port], env })
})

// --- policies ---

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

test('Fast Open to what is dialled is EOPNOTSUPP, or a connect() like any other', async (context) => {
  const { port, env } = await world(context)
  const seen = await observe(context, 'fast-open', [FOUR, port], { env })
  for (const call of ['sendto', 'sendmsg', 'sendmmsg']) {
    match(seen, new RegExp(`^${call}: EOPNOTSUPP$`, 'm'))
  }
  match(
    seen,
    /connect instead: ok\nwrite: 4\nread: ping\nsendto connected: ok\noption: ok\nconnect: ok\nwrite: 4\nread: ping\npeer: the destination\n$/,
  )
})

test('sockets that SOCKS5 cannot carry do not reach the tailnet; MPTCP does, by the proxy', async (context) => {
  const { port, env } = await world(context)
  const seen = await observe(context, 'other-sockets', [TAILNET, port], { env })
  for (const line of seen.trim().split('\n')) {
    if (line.startsWith('mptcp')) equal(line, 'mptcp connect: ok')
    else if (!/^(write|read): /.test(line)) match(line, /: ENETUNREACH$/)
  }
})

// --- the configuration ---

test('without TAILPROXY_HOST and _PORT the library is inert', async (context) => {
  const { port, env } = await world(context)
  const { LD_PRELOAD } = env
  for (const args of [['dial', ['127.0.0.1', port]], ['bad-address', [FOUR, SIX, 0].with(2, port)]]) {
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
