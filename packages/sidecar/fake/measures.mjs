// What a fake sidecar measures: the flows that it has, and of peers what it was told of them.
const NETWORK = {
  udp: true,
  ipv4: true,
  ipv6: false,
  natType: 'none',
  preferredRelay: 'fake',
  relays: [{ code: 'fake', name: 'Fake', latencyMs: 0.5 }],
  controlMs: 1.25,
  clockSkewMs: 0,
}

/** `bytesOf` returns those of an open flow; `fail(code, message)` makes an error answer. */
export function createMeasures({ peers = [], network = NETWORK, bytesOf, totals, fail }) {
  const open = new Map()
  let closed = 0

  const described = () =>
    peers.map((peer) => ({
      path: { kind: 'none' },
      bytesUp: 0,
      bytesDown: 0,
      connects: 0,
      failures: 0,
      ...peer,
    }))

  return {
    /** To be told of each event of a flow. */
    follow(event, { dialMs, durationMs, error, ...flow }) {
      if (event === 'flowOpened') {
        open.set(flow.flow, { ...flow, opened: Date.now() })
      } else if (open.delete(flow.flow)) {
        closed += 1
      }
    },
    methods: {
      peers: () => ({ peers: described() }),

      flowList({ limit }) {
        const flows = [...open.values()].reverse().map(({ opened, origin, ...flow }) => ({
          ...flow,
          ageMs: Date.now() - opened,
          ...bytesOf(flow.flow),
        }))
        return { flows: flows.slice(0, limit), total: flows.length }
      },

      ping({ peer: wanted }) {
        const found = peers.find(
          ({ name, addresses }) =>
            name === wanted || name.startsWith(`${wanted}.`) || addresses.includes(wanted),
        )
        if (!found) throw fail('no-such-host', `there is no peer "${wanted}"`)
        if (!found.online) throw fail('timed-out', `${found.name} did not answer`)
        const path = { kind: 'direct', endpoint: '127.0.0.1:41641' }
        return { name: found.name, address: found.addresses[0], latencyMs: 0.25, path }
      },

      netcheck: () => network,

      metrics() {
        const { opened, bytesUp, bytesDown } = totals()
        const none = { up: 0, down: 0 }
        const all = { up: bytesUp, down: bytesDown }
        return {
          connectLatency: { count: opened, sumMs: 0, buckets: [{ leMs: 1, count: opened }] },
          flows: { openedTcp: opened, openedUdp: 0, closed, failed: {} },
          bytes: { ...all, routes: { tailnet: all, exit: none, direct: none } },
          peers: described(),
        }
      },
    },
  }
}
