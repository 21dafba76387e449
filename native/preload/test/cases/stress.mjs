// Many at once: threads, forks, signals, descriptors; under the sanitizers too.
import { equal } from 'node:assert/strict'
import process from 'node:process'
import { dialServer } from '../lib/dial-server.mjs'
import { test } from '../lib/harness.mjs'
import { environmentFor, observe, start } from '../lib/program.mjs'
import { closedPort, echoDatagrams, echoServer, socksServer } from '../lib/servers.mjs'
import {
  library,
  missing,
  programPath,
  runtimeOf,
  sanitizedLibrary,
  threadLibrary,
} from '../lib/toolchain.mjs'
import { dialWorld, testWays, testWaysOnce } from '../lib/world.mjs'

const names = { hello: ['100.64.0.1', 'fd7a:115c:a1e0::1'] }
const CALM = 'failures: 0\nsignals: many\ndescriptors left: 0\n'

async function world(context, way) {
  if (way === 'dial socket') {
    const { port, closed, env } = await dialWorld(context, { names })
    return { port, closed, env }
  }
  const echo = await echoServer(context)
  const closed = await closedPort(context)
  const routes = { [`*:${echo.port}`]: echo.port }
  const socks = await socksServer(context, { names, routes })
  return { port: echo.port, closed, env: environmentFor(socks) }
}

const hosts = { IPv4: '100.64.0.5', IPv6: 'fd7a:115c:a1e0::5' }
/** In the checks as short as shows anything; `make storm` sets it. */
const seconds = (otherwise) => process.env.STORM_SECONDS ?? otherwise
const storm = (world, threads, limit, rounds = 1e9) => {
  const ends = [world.port, world.closed, 'hello']
  return [hosts.IPv4, hosts.IPv6, ...ends, threads, limit, rounds]
}

const name =
  'the storm of 32 threads that connect, duplicate, close, look up and fork under signals'
testWays(`${name} is right`, async (context, kind, way) => {
  const here = await world(context, way)
  const args = storm(here, 32, seconds(kind === 'musl' ? 1 : 3))
  equal(await observe(context, 'storm', args, { env: here.env, kind }), CALM)
})

testWaysOnce(
  'the storm has no data race under ThreadSanitizer',
  async (context, way) => {
    const here = await world(context, way)
    const options = {
      kind: 'tsan',
      env: {
        ...here.env,
        LD_PRELOAD: threadLibrary,
        TSAN_OPTIONS: 'halt_on_error=1:exitcode=66:die_after_fork=0',
      },
    }
    equal(await observe(context, 'storm', storm(here, 32, seconds(2)), options), CALM)
  },
  { needs: missing.tsan },
)

const sanitized = {
  // It runs twice.
  storm: (world) => storm(world, 32, seconds(2) / 2),
  dial: (world) => [hosts.IPv6, world.port, 'echo', 'nonblocking'],
  again: (world) => [hosts.IPv4, world.closed, world.port],
  peers: (world) => [hosts.IPv6, world.port],
  'bad-address': (world) => [hosts.IPv4, hosts.IPv6, world.closed],
  datagrams: () => [hosts.IPv4, 9],
  lookup: () => ['hello', 'hello', 'nobody'],
  'host-entries': () => ['hello', '100.64.0.1', 'fd7a:115c:a1e0::1', 'nobody'],
  'by-name': (world) => ['hello', world.port, 0],
  start: () => ['fork', 'execle', '=same', '--', '/bin/true', 'a', 'b', 'c'],
  'start-errors': () => ['/'],
}
for (const [program, args] of Object.entries(sanitized)) {
  testWaysOnce(
    `${program} is clean under AddressSanitizer and UBSan`,
    async (context, way) => {
      const here = await world(context, way)
      const env = {
        ...here.env,
        LD_PRELOAD: `${runtimeOf('asan')} ${runtimeOf('ubsan')} ${sanitizedLibrary}`,
        ASAN_OPTIONS: 'detect_leaks=0',
      }
      const plain = await observe(context, program, args(here), {
        env: { ...env, LD_PRELOAD: library },
      })
      equal(await observe(context, program, args(here), { env }), plain)
    },
    { needs: missing.asan },
  )
}

const watched = {
  dial: (world) => [hosts.IPv4, world.port, 'echo', 'nonblocking'],
  again: sanitized.again,
  lookup: sanitized.lookup,
  'by-name': sanitized['by-name'],
  start: sanitized.start,
  storm: (world) => storm(world, 4, 60, 5),
}
for (const [program, args] of Object.entries(watched)) {
  testWaysOnce(
    `${program} leaks no memory and reads nothing that is not its own, says valgrind`,
    async (context, way) => {
      const here = await world(context, way)
      await observeUnderValgrind(context, program, args(here), here.env)
    },
    { needs: missing.valgrind },
  )
}

test(
  'datagrams and resolver(3) too',
  async (context) => {
    const port = await echoDatagrams(context)
    const udpHosts = { [`${hosts.IPv4}:*`]: '127.0.0.1:*' }
    const { env } = await dialServer(context, {
      udpHosts,
      names: { 'hello.ts.net': ['100.64.0.1'] },
    })
    await observeUnderValgrind(context, 'udp', [hosts.IPv4, port, port], env)
    const asked = ['hello.ts.net', 'hello', 'hello.ts.net', 'nobody.ts.net', 'nobody.ts.net']
    await observeUnderValgrind(context, 'resolver', asked, env)
  },
  { needs: missing.go ?? missing.valgrind },
)

async function observeUnderValgrind(context, program, args, env) {
  const options = [
    '--error-exitcode=9',
    '--leak-check=full',
    '--errors-for-leak-kinds=definite',
    '-q',
  ]
  // What the C library frees for it at the end takes locks, which in a forked child may be another thread's.
  options.push('--run-libc-freeres=no')
  const command = [...options, programPath(program), ...args].map(String)
  const { status, stderr } = await start(context, 'valgrind', command, env).ended
  equal(status, 0, stderr)
}
