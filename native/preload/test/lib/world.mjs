// What the cases share: addresses that are nobody's, both C libraries, and a world behind a proxy.
import { test } from './harness.mjs'
import { environmentFor } from './program.mjs'
import { closedPort, echoServer, socksServer } from './servers.mjs'
import { missing } from './toolchain.mjs'

export const FOUR = '198.51.100.7'
export const SIX = '2001:db8::7'
export const MAPPED = '::ffff:198.51.100.7'
export const TAILNET = '100.64.0.5'

const libcs = [
  { kind: 'glibc', needs: undefined },
  { kind: 'musl', needs: missing.musl },
]

/** Both C libraries run the test; `kind` goes to observe(). */
export function testBoth(name, run) {
  for (const { kind, needs } of libcs) test(`${name} (${kind})`, (c) => run(c, kind), { needs })
}

/** An echo server, and a SOCKS5 server through which every address leads there. */
export async function world(context, { host, banner, ...options } = {}) {
  const echo = await echoServer(context, { host, banner })
  const closed = await closedPort(context)
  let target = echo.port
  if (host === '::1') target = (await echoServer(context, { banner })).port
  const socks = await socksServer(context, { routes: { [`*:${echo.port}`]: target }, ...options })
  return { port: echo.port, closed, socks, env: environmentFor(socks) }
}
