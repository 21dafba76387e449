// What is done at every call is done without the C library's memory, by whichever way.
import { observeBoth } from '../lib/program.mjs'
import { echoDatagrams } from '../lib/servers.mjs'
import { FOUR, testWays, worldBy } from '../lib/world.mjs'

testWays(
  'connections and datagrams ask for no memory, not even the first',
  async (context, kind, way) => {
    const datagrams = await echoDatagrams(context)
    const { port, closed, dial, env } = await worldBy(way, context, {
      udpHosts: { [`${FOUR}:*`]: '127.0.0.1:*' },
    })
    const more = dial ? [datagrams] : []
    await observeBoth(context, 'allocations', {
      direct: ['127.0.0.1', port, closed, ...more],
      proxied: [FOUR, port, closed, ...more],
      env,
      kind,
    })
  },
)
