// What the cases share: addresses that are nobody's, both C libraries, and a world behind a proxy.
import { dialServer } from './dial-server.mjs'
import { test } from './harness.mjs'
import { environmentFor } from './program.mjs'
import { closedPort, echoServer, socksServer } from './servers.mjs'
import { missing } from './toolchain.mjs'

export const FOUR = '198.51.100.7'
export const SIX = '2001:db8::7'
export const MAPPED = '::ffff:198.51.100.7'
export const TAILNET = '100.64.0.5'
/** What a tailnet routes where those addresses have to be its own. */
export const ROUTES = ['198.51.100.0/24', '2001:db8::/32']

const libcs = [
  { kind: 'glibc', needs: undefined },
  { kind: 'musl', needs: missing.musl },
]

/** Both C libraries run the test; `kind` goes to observe(). */
export function testBoth(name, run, { needs: lacks } = {}) {
  for (const { kind, needs } of libcs) {
    test(`${name} (${kind})`, (context) => run(context, kind), { needs: needs ?? lacks })
  }
}

const BY_DIAL_SOCKET = 'dial socket'
const ways = [
  { way: 'SOCKS5', note: '', needs: undefined },
  { way: BY_DIAL_SOCKET, note: ', dial socket', needs: missing.go },
]

/** Both C libraries run the test, by SOCKS5 and by the dial socket; `way` goes to world(). */
export function testWays(name, run) {
  for (const { kind, needs } of libcs) {
    for (const { way, note, needs: lacks } of ways) {
      const options = { needs: needs ?? lacks }
      test(`${name} (${kind}${note})`, (context) => run(context, kind, way), options)
    }
  }
}

/** testWays() for glibc alone. */
export function testWaysOnce(name, run, { needs } = {}) {
  for (const { way, note, needs: lacks } of ways) {
    const title = note ? `${name} (${note.slice(2)})` : name
    test(title, (context) => run(context, way), { needs: needs ?? lacks })
  }
}

/** An echo server, and a dial socket through which every address leads there; the settings are dialServer()'s. */
export async function dialWorld(context, { host, banner, ...settings } = {}) {
  const echo = await echoServer(context, { host, banner })
  const closed = await closedPort(context)
  let target = echo.port
  if (host === '::1') target = (await echoServer(context, { banner })).port
  const hosts = { [`*:${echo.port}`]: `127.0.0.1:${target}`, [`*:${closed}`]: '127.0.0.1:*' }
  const dial = await dialServer(context, { hosts, routes: ROUTES, ...settings })
  return { port: echo.port, closed, dial, env: dial.env, dials: () => dial.told('dial').length }
}

/** The same by either way. */
export function worldBy(way, context, options) {
  return way === BY_DIAL_SOCKET ? dialWorld(context, options) : world(context, options)
}

/** An echo server, and a SOCKS5 server through which every address leads there. */
export async function world(context, { host, banner, ...options } = {}) {
  const echo = await echoServer(context, { host, banner })
  const closed = await closedPort(context)
  let target = echo.port
  if (host === '::1') target = (await echoServer(context, { banner })).port
  const socks = await socksServer(context, { routes: { [`*:${echo.port}`]: target }, ...options })
  const dials = () => socks.requests.length
  return { port: echo.port, closed, socks, env: environmentFor(socks), dials }
}
