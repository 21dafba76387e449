// The exports of a fake sidecar: what the tailnet would reach is a port of loopback here, which the
// answer to `export` has in `addresses`.
import { readFileSync } from 'node:fs'
import { connect, createServer, isIPv4 } from 'node:net'
import { serveUdp } from './udp-export.mjs'

/** `taken` has reasons by port; `fail(code, message)` makes an error answer. */
export function createExports({ emit, emitFlow, ask, nextFlow, taken = {}, listenPort = 0, fail }) {
  const exports = new Map()
  let last = 0

  async function open(params) {
    const { port, service, network = 'tcp' } = params
    const isHeld = (one) => one.port === port && one.network === network && one.service === service
    const holder = [...exports.values()].find(isHeld)
    if (taken[port]) throw fail('busy', taken[port])
    if (holder) throw fail('busy', `port ${port} is export ${holder.state.export}'s`)
    const id = ++last
    const counts = { connections: 0, accepted: 0, refused: 0, bytesUp: 0, bytesDown: 0 }
    const one = { ...params, network, state: { export: id, ...counts }, sockets: new Set() }
    if (network === 'udp') {
      exports.set(id, one)
      one.server = await serveUdp(one, { port: listenPort, target, accept: letIn, changed })
      return { export: id, addresses: [`127.0.0.1:${one.server.address().port}`] }
    }
    one.server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
      accept(one, socket),
    )
    exports.set(id, one)
    await new Promise((resolve) => one.server.listen(listenPort, '127.0.0.1', resolve))
    return { export: id, addresses: [`127.0.0.1:${one.server.address().port}`] }
  }

  async function accept(one, peer) {
    const source = `${peer.remoteAddress}:${peer.remotePort}`
    const about = {
      direction: 'inbound',
      ...(one.run ? { run: one.run } : {}),
      network: 'tcp',
      source,
      destination: `100.64.0.9:${one.port}`,
      export: one.state.export,
    }
    peer.on('error', () => {})
    const room = one.state.connections < one.maxConnections
    const allowed = one.allow.users.length === 0 && one.allow.tags.length === 0
    const verdict = one.ask && room && allowed ? await ask({ origin: 'export', ...about }) : {}
    if (!room || !allowed || verdict.allow === false) {
      one.state.refused += 1
      const message = verdict.reason ?? (room ? 'the peer is none of those let in' : 'it is full')
      one.state.error = { code: room ? 'denied' : 'busy', message }
      peer.resetAndDestroy()
      emit('exportState', one.state)
      return
    }
    const [host, port] = split(one.targets[0])
    const program = connect({ host, port, allowHalfOpen: true })
    const flow = nextFlow()
    const opened = Date.now()
    one.sockets.add(peer)
    one.state.accepted += 1
    one.state.connections += 1
    emit('exportState', one.state)
    program.on('connect', () =>
      emitFlow('flowOpened', { flow, ...about, route: 'tailnet', dialMs: 0 }),
    )
    program.on('error', ({ code, message }) => {
      one.state.error = { code: code === 'ECONNREFUSED' ? 'refused' : 'internal', message }
      peer.resetAndDestroy()
    })
    const bytes = { bytesUp: 0, bytesDown: 0 }
    program.on('data', ({ length }) => count(one, bytes, 'bytesUp', length))
    peer.on('data', ({ length }) => count(one, bytes, 'bytesDown', length))
    peer.pipe(program).pipe(peer)
    peer.on('close', () => {
      program.destroy()
      one.sockets.delete(peer)
      one.state.connections -= 1
      emit('exportState', one.state)
      emitFlow('flowClosed', { flow, ...bytes, durationMs: Date.now() - opened })
    })
  }

  const target = ({ targets }) => split(targets[0])
  const changed = ({ state }) => emit('exportState', state)

  function letIn(one) {
    const allowed = one.allow.users.length === 0 && one.allow.tags.length === 0
    if (allowed) one.state.accepted += 1
    else one.state.refused += 1
    if (allowed) one.state.connections += 1
    else one.state.error = { code: 'denied', message: 'this peer is none of those let in' }
    changed(one)
    return allowed
  }

  function close(id, drain = false) {
    const one = exports.get(id)
    exports.delete(id)
    one?.server.close()
    if (!drain) for (const socket of one?.sockets ?? []) socket.resetAndDestroy()
  }

  return {
    methods: {
      export: open,
      retarget({ export: id, targets }) {
        if (!exports.has(id)) throw fail('aborted', `export ${id} has ended`)
        exports.get(id).targets = targets
        return {}
      },
      unexport({ export: id, drain }) {
        close(id, drain)
        return {}
      },
      exports: () => ({ exports: [...exports.values()].map(describe) }),
      // By the address alone: a cookie is in no file.
      listening: ({ sockets }) => ({
        listening: sockets.map(({ network = 'tcp', address }) => listens(network, address)),
      }),
    },
    endRun(run) {
      for (const [id, one] of exports) if (one.run === run) close(id)
    },
    end() {
      for (const id of exports.keys()) close(id)
    },
  }
}

function count({ state }, bytes, name, length) {
  state[name] += length
  bytes[name] += length
}

function describe({ state, run, network, port, targets, service }) {
  return { ...state, network, port, targets, ...(run && { run }), ...(service && { service }) }
}

const split = (address) => /^\[?(.*?)\]?:(\d+)$/.exec(address).slice(1)

/** Whether /proc/net/tcp or tcp6 has a socket in state LISTEN (0A) with this address; udp or udp6 any. */
function listens(network, address) {
  const [host, port] = split(address)
  const name = isIPv4(host) ? network : `${network}6`
  const wanted = `:${Number(port).toString(16).toUpperCase().padStart(4, '0')}`
  const lines = readFileSync(`/proc/net/${name}`, 'utf8').trim().split('\n').slice(1)
  return lines.some((line) => {
    const [, local, , state] = line.trim().split(/\s+/)
    return (state === '0A' || network === 'udp') && local.endsWith(wanted)
  })
}
