// connect() while it waits: signals, time limits, other threads.
import { deepEqual, equal, match } from 'node:assert/strict'
import { dialServer } from '../lib/dial-server.mjs'
import { test } from '../lib/harness.mjs'
import { environmentFor, observe, observeBoth, start } from '../lib/program.mjs'
import { echoServer, slowServer, socksServer } from '../lib/servers.mjs'
import { reply } from '../lib/socks-server.mjs'
import { missing, programPath } from '../lib/toolchain.mjs'
import { dialWorld, FOUR, ROUTES, testWays, testWaysOnce, worldBy } from '../lib/world.mjs'

const NOT_BY_RECEIVE =
  /^connect: ok\nthen: EISCONN\npeer: the destination\nthe timeout is kept: 1\n$/

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

/** A server of that way that leaves a dial waiting until `release()`, and the environment that leads to it. */
async function waitingBy(way, context) {
  if (way === 'SOCKS5') {
    const server = await waitingServer(context)
    return { server, env: environmentFor(server) }
  }
  const server = await slowServer(context)
  const hosts = { '*:80': `127.0.0.1:${server.port}` }
  const { env } = await dialServer(context, { hosts, routes: ROUTES })
  return { server, env }
}

async function waitBoth(context, way, program, args, until, kind) {
  const direct = await slowServer(context)
  const without = await observeWaiting(context, program, '127.0.0.1', direct, args, { until, kind })
  const { server, env } = await waitingBy(way, context)
  const within = await observeWaiting(context, program, FOUR, server, args, { env, until, kind })
  equal(within, without)
  return within
}

testWays('a handler with SA_RESTART does not end connect()', async (context, kind, way) => {
  const seen = await waitBoth(context, way, 'signals', ['restart'], 'told\n', kind)
  match(seen, /^told\nconnect: ok\nand again: EISCONN\n/)
})

testWays('a handler without it does; connect() again goes on', async (context, kind, way) => {
  const seen = await waitBoth(context, way, 'signals', ['plain'], 'peer: ENOTCONN\n', kind)
  match(seen, /connect: EINTR\npeer: ENOTCONN\nconnect again: ok\nand again: EISCONN\n/)
})

testWaysOnce('after EINTR poll() and SO_ERROR end the dial', async (context, way) => {
  const seen = await waitBoth(context, way, 'signals', ['plain', 'poll'], 'connect: EINTR\n')
  match(seen, /^pending: 0$/m)
})

testWaysOnce('a signal every half millisecond shows nowhere', async (context, way) => {
  const { port, env } = await worldBy(way, context, way === 'SOCKS5' ? { chunk: 1 } : {})
  const args = { direct: ['127.0.0.1', port, 'storm'], proxied: [FOUR, port, 'storm'], env }
  match(await observeBoth(context, 'signals', args), /^failures: 0, signals: many$/m)
})

testWays(
  'SO_SNDTIMEO bounds connect(), which can be taken up again',
  async (context, kind, way) => {
    const seen = await waitBoth(context, way, 'timeouts', ['send'], 'late\n', kind)
    match(seen, /^connect: EINPROGRESS\npeer: ENOTCONN\nconnect again: EALREADY\n/)
  },
)

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
  match(seen, NOT_BY_RECEIVE)
})

test(
  'SO_RCVTIMEO does not (dial socket)',
  async (context) => {
    const { port, env } = await dialWorld(context, { delayMs: 200 })
    match(await observe(context, 'timeouts', [FOUR, port, 'receive'], { env }), NOT_BY_RECEIVE)
  },
  { needs: missing.go },
)

testWaysOnce('O_NONBLOCK is never changed, as another thread sees', async (context, way) => {
  const { server, env } = await waitingBy(way, context)
  const args = { env, until: 'watched\n' }
  const seen = await observeWaiting(context, 'flags', FOUR, server, [], args)
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
  await socks.seen(1)
  child.child.kill('SIGUSR1')
  await child.says('told\n')
  for (const socket of held) socket.write(Buffer.from([5, 0, ...reply(0)]))
  const { stdout } = await child.ended
  equal(stdout, 'told\nconnect: ok\nin the handler: 0\npeer: the destination\n')
})

test(
  'a signal handler that interrupts connect() can connect (dial socket)',
  async (context) => {
    const echo = await echoServer(context)
    const server = await slowServer(context)
    const hosts = { '*:80': `127.0.0.1:${echo.port}`, '*:81': `127.0.0.1:${server.port}` }
    const dial = await dialServer(context, { hosts, routes: ROUTES })
    const child = start(context, programPath('from-handler'), [FOUR, '80', '81'], dial.env)
    await dial.sees({ event: 'dial' })
    child.child.kill('SIGUSR1')
    await child.says('told\n')
    server.release()
    const { stdout } = await child.ended
    equal(stdout, 'told\nconnect: ok\nin the handler: 0\npeer: the destination\n')
  },
  { needs: missing.go },
)
