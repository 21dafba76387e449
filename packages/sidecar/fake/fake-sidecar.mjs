// A sidecar without a tailnet, for tests of what drives one: it speaks docs/sidecar-channel.md on
// descriptor 3, serves real SOCKS5 clients on loopback, and dials loopback only. What it knows and
// how it misbehaves is in the variable FAKE_SIDECAR (see src/fake.ts).
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, isIP, isIPv6, Socket } from 'node:net'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { createExitNodes } from './exit-nodes.mjs'
import { createExports } from './exports.mjs'
import { createMeasures } from './measures.mjs'

const behaviour = JSON.parse(process.env.FAKE_SIDECAR ?? '{}')
if (process.argv[2] === 'credentials') {
  // Node cannot ask the kernel: it is taken to be whoever started it all, or whom it is told to name.
  const us = { pid: process.ppid, uid: process.geteuid(), gid: process.getegid() }
  console.log(JSON.stringify({ ...us, ...behaviour.credentials }))
  process.exit(0)
}
const names = new Map(Object.entries(behaviour.names ?? {}))
const targets = new Map(Object.entries(behaviour.targets ?? {}))
const channel = new Socket({ fd: 3, readable: true, writable: true })
const clients = new Map()
const runs = new Map()
const listeners = []
const labNodes = new Set()
const counters = { opened: 0, bytesUp: 0, bytesDown: 0, flows: 0 }
let lastClient = 0
let node
let controlUrl

class Failure extends Error {
  constructor(code, message) {
    super(message)
    this.code = code
  }
}

const send = (message) => channel.write(`${JSON.stringify(message)}\n`)
const emit = (event, params) => send({ event, params })

const exported = createExports({
  emit,
  emitFlow: (event, params) => emitFlow(event, params),
  ask: (params) => ask(params),
  nextFlow: () => ++counters.opened,
  taken: behaviour.takenPorts,
  listenPort: behaviour.exportPort,
  fail: (code, message) => new Failure(code, message),
})

const exits = createExitNodes({
  emit,
  nodes: behaviour.exitNodes,
  fail: (code, message) => new Failure(code, message),
})

const measures = createMeasures({
  peers: behaviour.peers,
  network: behaviour.network,
  bytesOf: (flow) =>
    [...clients.values()].find((client) => client.flow === flow)?.bytes ?? {
      bytesUp: 0,
      bytesDown: 0,
    },
  totals: () => counters,
  fail: (code, message) => new Failure(code, message),
})

const methods = {
  ...exported.methods,
  ...measures.methods,
  ...exits.methods,

  // Of the same version as whoever asks.
  hello: ({ driver }) => ({
    protocol: 1,
    version: driver,
    tailscale: 'none',
    pid: process.pid,
    role: process.argv.at(-1),
  }),

  async start({ hostname, controlUrl: url }) {
    controlUrl = url
    for (const state of behaviour.states ?? ['starting']) emit('state', { state })
    if (behaviour.authUrl) emit('authUrl', { url: behaviour.authUrl })
    if (behaviour.startFailure) {
      throw new Failure(behaviour.startFailure.code, behaviour.startFailure.message)
    }
    if (behaviour.neverStarts || isToWait()) await new Promise(() => {})
    node = {
      id: 'nFake',
      hostname,
      name: `${hostname}.fake.ts.net`,
      addresses: ['100.64.0.9'],
      tailnet: 'fake',
      magicDnsSuffix: 'fake.ts.net',
    }
    emit('state', { state: 'running' })
    return node
  },

  async login() {
    if (!node) throw new Failure('not-connected', 'the node was not started')
    if (behaviour.authUrl) emit('authUrl', { url: behaviour.authUrl })
    if (behaviour.loginFailure) {
      throw new Failure(behaviour.loginFailure.code, behaviour.loginFailure.message)
    }
    if (behaviour.neverLogsIn) await new Promise(() => {})
    return node
  },

  logout() {
    if (!node) throw new Failure('not-connected', 'the node was not started')
    node = undefined
    emit('state', { state: 'stopped', detail: 'the node was logged out' })
    return {}
  },

  status: () => ({
    state: node ? 'running' : 'stopped',
    ...(node ? { node } : {}),
    ...(exits.status() ? { exitNode: exits.status() } : {}),
    peers: names.size,
    negotiating: [...clients.values()].filter(({ spliced }) => !spliced).length,
    ...counters,
    runs: [...runs.keys()].sort().map(describeRun),
    health: behaviour.health ?? [],
    ...(controlUrl ? { controlUrl } : {}),
  }),

  async listenSocks({ host, port }) {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, accept)
    await new Promise((resolve, reject) => {
      server.once('error', ({ code }) => reject(new Failure('busy', `listen: ${code}`)))
      server.listen(port, host, resolve)
    })
    listeners.push(server)
    return { address: `${host}:${server.address().port}` }
  },

  watchFlows({ watch }) {
    watchesFlows = watch
    return {}
  },

  async serveDials({ path }) {
    if (behaviour.dialsFailure) throw new Failure(behaviour.dialsFailure, 'no dials today')
    // Programs of these tests use SOCKS5; somebody answers on the path, as a real one does, also
    // where a dead one left its socket.
    rmSync(path, { force: true })
    const server = createServer((client) => client.destroy())
    await new Promise((resolve, reject) => {
      server.once('error', ({ code }) => reject(new Failure('busy', `listen: ${code}`)))
      server.listen(path, resolve)
    })
    listeners.push(server)
    return behaviour.dials ?? { tarpit: 'none', detail: 'a fake sidecar has no tarpit' }
  },

  register({ run, policy }) {
    if (runs.has(run)) throw new Failure('busy', `run ${run} is registered`)
    runs.set(run, policy)
    return {}
  },

  release({ run }) {
    if (!runs.has(run) || describeRun(run).flows === 0) return {}
    return new Promise((resolve) => releases.add({ run, resolve }))
  },

  unregister({ run }) {
    runs.delete(run)
    released(run)
    exported.endRun(run)
    for (const client of clients.values()) if (client.run === run) client.socket.resetAndDestroy()
    return {}
  },

  resolve({ name, types }) {
    if (behaviour.resolveFailure)
      throw new Failure(behaviour.resolveFailure, 'the resolver is away')
    if (types.includes('PTR')) {
      const found = [...names].filter(([, addresses]) => addresses.includes(name))
      return { addresses: [], names: found.map(([each]) => each) }
    }
    const wanted = (address) => types.includes(address.includes(':') ? 'AAAA' : 'A')
    return { addresses: (names.get(name) ?? []).filter(wanted), names: [] }
  },

  clientDial: dial,
  fileCapabilities: ({ path }) => ({ present: (behaviour.withCapabilities ?? []).includes(path) }),

  whois({ address }) {
    const found = behaviour.peers?.find(({ addresses }) => addresses.includes(address))
    if (!found) return {}
    const { id, name, addresses, online, user, tags, exitNodeOption } = found
    return { peer: { id, name, addresses, online, user, tags, exitNodeOption } }
  },

  startLab() {
    if (!behaviour.lab) throw new Failure('protocol', 'unknown method "startLab"')
    return behaviour.lab
  },

  addNode({ name }) {
    labNodes.add(name)
    return { name: `${name}.${behaviour.lab.domain}`, addresses: ['100.64.0.4'] }
  },

  removeNode({ name }) {
    if (!labNodes.delete(name)) throw new Failure('no-such-host', `there is no node ${name}`)
    return {}
  },

  completeAuth({ url }) {
    if (!behaviour.labUrls?.includes(url)) throw new Failure('no-such-host', 'no node waits')
    return {}
  },

  approve: () => ({}),
  expireKeys: () => ({}),
  stopControl: () => ({}),
  startControl: () => ({}),
  setExitNodeApproved({ name }) {
    if (!labNodes.has(name)) throw new Failure('no-such-host', `there is no node ${name}`)
    return {}
  },

  addForward: () => ({}),
  addRecord: () => ({}),

  async stop() {
    if (behaviour.neverStops) await new Promise(() => {})
    setImmediate(end)
    return {}
  },
}

function accept(socket) {
  const id = ++lastClient
  const client = { socket, spliced: false }
  clients.set(id, client)
  const source = endpoint(socket.remoteAddress, socket.remotePort)
  let first = true
  socket.on('data', (bytes) => {
    if (client.spliced) return
    socket.pause()
    emit('client', { client: id, bytes: bytes.toString('base64'), ...(first ? { source } : {}) })
    first = false
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    if (clients.delete(id) && !client.spliced && !client.closed) {
      emit('clientGone', { client: id, reason: 'closed' })
    }
    released(client.run)
  })
  socket.on('end', () => {
    if (!client.spliced) socket.destroy()
  })
  socket.resume()
}

// What a fake sidecar knows of a run is its flows.
const releases = new Set()

function describeRun(run) {
  const flows = [...clients.values()].filter((client) => client.spliced && client.run === run)
  const sum = (name) => flows.reduce((total, { bytes }) => total + bytes[name], 0)
  return {
    run,
    processes: 0,
    flows: flows.length,
    negotiating: 0,
    bytesUp: sum('bytesUp'),
    bytesDown: sum('bytesDown'),
  }
}

function released(run) {
  for (const release of releases) {
    if (release.run !== run || (runs.has(run) && describeRun(run).flows > 0)) continue
    releases.delete(release)
    release.resolve({})
  }
}

const endpoint = (host, port) => (isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`)

async function dial({ client: id, run, host, port, onSuccess, leftover }) {
  const client = clients.get(id)
  if (!client) throw new Failure('aborted', 'the client left')
  const address = names.get(host)?.[0] ?? host
  if (!isIP(address)) throw new Failure('no-such-host', `there is no ${host}`)
  const destination = endpoint(address, port)
  const failure = behaviour.dialFailures?.[destination]
  if (failure) throw new Failure(failure, destination)
  const source = endpoint(client.socket.remoteAddress, client.socket.remotePort)
  const flowOf = {
    direction: 'outbound',
    ...(run ? { run } : {}),
    network: 'tcp',
    source,
    destination,
  }
  if (runs.get(run)?.ask) {
    const verdict = await ask({ origin: 'socks', ...flowOf })
    if (!verdict.allow) throw new Failure('denied', verdict.reason ?? 'denied')
  }
  const peer = await connectTo(destination)
  client.run = run
  const flow = splice(client, peer, [
    Buffer.concat([Buffer.from(onSuccess, 'base64'), Buffer.from([1, 100, 64, 0, 9, 0x30, 0x39])]),
    Buffer.from(leftover ?? '', 'base64'),
  ])
  emitFlow('flowOpened', { flow, ...flowOf, route: 'tailnet', dialMs: 0 })
  return { flow, bound: '100.64.0.9:12345', route: 'tailnet' }
}

let watchesFlows = false

function emitFlow(event, params) {
  measures.follow(event, params)
  if (watchesFlows) emit(event, params)
}

async function connectTo(destination) {
  const target = targets.get(destination)
  if (!target) throw new Failure('no-route', `no route to ${destination}`)
  const [host, port] = target.split(':')
  const peer = connect({ host, port: Number(port), allowHalfOpen: true })
  await new Promise((resolve, reject) => {
    peer.once('connect', resolve)
    peer.once('error', () => reject(new Failure('refused', `${destination} refused`)))
  })
  return peer
}

function splice(client, peer, [toClient, toPeer]) {
  const { socket } = client
  const flow = ++counters.opened
  const opened = Date.now()
  const bytes = { bytesUp: toPeer.length, bytesDown: 0 }
  const count = (name, length) => {
    bytes[name] += length
    counters[name] += length
  }
  counters.flows += 1
  counters.bytesUp += toPeer.length
  client.spliced = true
  Object.assign(client, { bytes, flow })
  socket.removeAllListeners('data')
  socket.write(toClient)
  peer.write(toPeer)
  socket.on('data', ({ length }) => count('bytesUp', length))
  peer.on('data', ({ length }) => count('bytesDown', length))
  socket.pipe(peer)
  peer.pipe(socket)
  peer.on('error', () => socket.resetAndDestroy())
  socket.on('close', () => {
    peer.destroy()
    counters.flows -= 1
    emitFlow('flowClosed', { flow, ...bytes, durationMs: Date.now() - opened })
  })
  return flow
}

const asked = new Map()
let lastAsk = 0

function ask(params) {
  const id = ++lastAsk
  send({ id, method: 'ask', params })
  return new Promise((resolve) => asked.set(id, resolve))
}

const events = {
  clientWrite({ client: id, bytes }) {
    const client = clients.get(id)
    if (!client) return
    if (bytes) client.socket.write(Buffer.from(bytes, 'base64'))
    client.socket.resume()
  },
  clientClose({ client: id, bytes }) {
    const client = clients.get(id)
    if (!client) return
    client.closed = true
    client.socket.end(bytes ? Buffer.from(bytes, 'base64') : undefined)
    client.socket.resume()
  },
}

async function answer({ id, method, params }) {
  try {
    const handler = methods[method]
    if (!handler) throw new Failure('protocol', `unknown method "${method}"`)
    const result = await handler(params)
    send({ id, result: method in (behaviour.results ?? {}) ? behaviour.results[method] : result })
    if (method === behaviour.dieAfter && isToDie()) process.kill(process.pid, 'SIGKILL')
    if (method === behaviour.sayAfter?.method) channel.write(behaviour.sayAfter.text)
  } catch (error) {
    send({ id, error: { code: error.code ?? 'internal', message: error.message } })
  }
}

/** The first time only: the file says that there was one. */
function isToWait() {
  if (behaviour.waitOnce === undefined || existsSync(behaviour.waitOnce)) return false
  writeFileSync(behaviour.waitOnce, '')
  return true
}

/** Every time, or the first only: the file says that there was one. */
function isToDie() {
  if (behaviour.dieOnce === undefined) return true
  if (existsSync(behaviour.dieOnce)) return false
  writeFileSync(behaviour.dieOnce, '')
  return true
}

function end() {
  if (behaviour.neverStops) {
    // Something to live for, now that the channel is gone.
    setInterval(() => {}, 60_000)
    return
  }
  for (const { socket } of clients.values()) socket.resetAndDestroy()
  exported.end()
  // Only so are sockets with a path removed.
  for (const listener of listeners) listener.close()
  process.exit(0)
}

if (behaviour.stderr) process.stderr.write(behaviour.stderr)
if (behaviour.exitStatus !== undefined) process.exit(behaviour.exitStatus)
createInterface({ input: channel }).on('line', (line) => {
  const message = JSON.parse(line)
  if (message.event) events[message.event]?.(message.params)
  else if (message.method) void answer(message)
  else if ('result' in message) asked.get(message.id)?.(message.result)
  else asked.get(message.id)?.({ allow: false, reason: message.error.message })
})
channel.on('close', end)
channel.on('error', end)
