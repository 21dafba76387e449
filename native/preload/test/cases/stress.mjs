// Many at once: threads, forks, signals, descriptors; under the sanitizers too.
import { equal } from 'node:assert/strict'
import { environmentFor, observe, start } from '../lib/program.mjs'
import { closedPort, echoServer, socksServer } from '../lib/servers.mjs'
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

for (const [family, host] of Object.entries(hosts)) {
  const name = `threads that connect over ${family}, look up, close and fork under signals are right`
  testWays(name, async (context, kind, way) => {
    const { port, closed, env } = await world(context, way)
    equal(await observe(context, 'storm', [host, port, closed, 'hello'], { env, kind }), CALM)
  })
}

testWaysOnce(
  'the storm has no data race under ThreadSanitizer',
  async (context, way) => {
    const { port, closed, env } = await world(context, way)
    const options = {
      kind: 'tsan',
      env: {
        ...env,
        LD_PRELOAD: threadLibrary,
        TSAN_OPTIONS: 'halt_on_error=1:exitcode=66:die_after_fork=0',
      },
    }
    equal(await observe(context, 'storm', [hosts.IPv4, port, closed, 'hello'], options), CALM)
  },
  { needs: missing.tsan },
)

const sanitized = {
  storm: (world) => [hosts.IPv4, world.port, world.closed, 'hello'],
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

for (const program of ['lookup', 'by-name']) {
  testWaysOnce(
    `${program} leaks no memory, says valgrind`,
    async (context, way) => {
      const here = await world(context, way)
      const options = ['--error-exitcode=9', '--leak-check=full', '-q']
      const command = [...options, programPath(program), ...sanitized[program](here)].map(String)
      const { status, stderr } = await start(context, 'valgrind', command, here.env).ended
      equal(status, 0, stderr)
    },
    { needs: missing.valgrind },
  )
}
