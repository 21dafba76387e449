// TCP Fast Open: what is dialled gets its first bytes as on a kernel that has no cookie for the peer.
import { observeBoth } from '../lib/program.mjs'
import { FOUR, MAPPED, testWays, worldBy } from '../lib/world.mjs'

for (const [name, direct, proxied] of [
  ['IPv4', '127.0.0.1', FOUR],
  ['IPv4 on an IPv6 socket', '::ffff:127.0.0.1', MAPPED],
]) {
  testWays(`Fast Open connects, then sends: ${name}`, async (context, kind, way) => {
    const { port, closed, dial, env } = await worldBy(way, context)
    // By SOCKS5 a non-blocking connect() waits.
    const more = dial ? ['nonblocking'] : []
    await observeBoth(context, 'fast-open', {
      direct: [direct, port, closed, ...more],
      proxied: [proxied, port, closed, ...more],
      env,
      kind,
    })
  })
}
