// Many at once: threads, forks, signals, descriptors.
import { equal } from 'node:assert/strict'
import process from 'node:process'
import { environmentFor, observe } from '../lib/program.mjs'
import { closedPort, echoServer, socksServer } from '../lib/servers.mjs'
import { dialWorld, testWays } from '../lib/world.mjs'

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
const storm = (world, { threads, limit, rounds = 1e9 }) => {
  const ends = [world.port, world.closed, 'hello']
  return [hosts.IPv4, hosts.IPv6, ...ends, threads, limit, rounds]
}

/** As much as a watcher does in that time: valgrind runs one thread at a time. */
const sizes = {
  ThreadSanitizer: { threads: 32, limit: seconds(2) },
  'AddressSanitizer and UBSan': { threads: 32, limit: seconds(1) },
  valgrind: { threads: 4, limit: 60, rounds: 5 },
}
const size = ({ watch }, kind) =>
  sizes[watch?.watcher.name] ?? { threads: 32, limit: seconds(kind === 'musl' ? 1 : 3) }

testWays(
  'the storm of many threads that connect, duplicate, close, look up and fork under signals is right',
  async (context, kind, way) => {
    const here = await world(context, way)
    const args = storm(here, size(context, kind))
    equal(await observe(context, 'storm', args, { env: here.env, kind }), CALM)
  },
)
