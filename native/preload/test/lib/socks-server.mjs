// A SOCKS5 server that does as it is told: right, slow, byte by byte, or wrong.
import { once } from 'node:events'
import net from 'node:net'

const CONNECT = 0x01
export const RESOLVE = 0xf0
const RESOLVE_PTR = 0xf1

/** An IPv4 reply with BND 127.0.0.1:0. */
export function reply(code) {
  return Buffer.from([5, code, 0, 1, 127, 0, 0, 1, 0, 0])
}

function readAddress(bytes, at) {
  const type = bytes[at]
  if (type === 1) return { host: [...bytes.subarray(at + 1, at + 5)].join('.'), end: at + 5 }
  if (type === 4) {
    const groups = []
    for (let i = 0; i < 16; i += 2) groups.push(bytes.readUInt16BE(at + 1 + i).toString(16))
    return { host: new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1), end: at + 17 }
  }
  const length = bytes[at + 1]
  return { host: bytes.subarray(at + 2, at + 2 + length).toString('latin1'), end: at + 2 + length }
}

/** A request out of everything a client has sent, or undefined while it is not whole. */
function parse(bytes) {
  if (bytes.length < 3 || bytes.length < 2 + bytes[1]) return undefined
  const methods = [...bytes.subarray(2, 2 + bytes[1])]
  let at = 2 + bytes[1]
  let user
  let password
  if (methods.includes(2)) {
    if (bytes.length < at + 2 || bytes.length < at + 3 + bytes[at + 1]) return undefined
    user = bytes.subarray(at + 2, at + 2 + bytes[at + 1]).toString()
    at += 2 + bytes[at + 1]
    if (bytes.length < at + 1 + bytes[at]) return undefined
    password = bytes.subarray(at + 1, at + 1 + bytes[at]).toString()
    at += 1 + bytes[at]
  }
  if (bytes.length < at + 5) return undefined
  const sizes = { 1: 4 + 4, 3: 5 + bytes[at + 4], 4: 4 + 16 }
  if (bytes.length < at + (sizes[bytes[at + 3]] ?? 4) + 2) return undefined
  const { host, end } = readAddress(bytes, at + 3)
  return {
    methods,
    user,
    password,
    command: bytes[at + 1],
    addressType: bytes[at + 3],
    host,
    port: bytes.readUInt16BE(end),
    rest: bytes.subarray(end + 2),
  }
}

function addressReply(address) {
  if (net.isIPv4(address)) {
    return Buffer.from([5, 0, 0, 1, ...address.split('.').map(Number), 0, 0])
  }
  const full = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head, tail = ''] = full.split('::')
  const groups = (text) => (text ? text.split(':') : [])
  const missing = 8 - groups(head).length - groups(tail).length
  const all = [
    ...groups(head),
    ...Array(full.includes('::') ? missing : 0).fill('0'),
    ...groups(tail),
  ]
  const bytes = all.flatMap((group) => [
    Number.parseInt(group, 16) >> 8,
    Number.parseInt(group, 16) & 255,
  ])
  return Buffer.from([5, 0, 0, 4, ...bytes, 0, 0])
}

function nameReply(name) {
  return Buffer.from([5, 0, 0, 3, name.length, ...Buffer.from(name, 'latin1'), 0, 0])
}

function answerName(names, request) {
  if (request.command === RESOLVE_PTR) {
    const found = Object.entries(names).find(([, addresses]) => addresses.includes(request.host))
    return found ? nameReply(found[0]) : reply(4)
  }
  const addresses = names[request.host.toLowerCase().replace(/\.$/, '')] ?? []
  const wanted = addresses.find(
    (address) => request.port === 0 || net.isIPv6(address) === (request.port === 28),
  )
  return wanted ? addressReply(wanted) : reply(4)
}

/**
 * Options: `user` and `password`; `names` {name: [address]}, or null for a server without RESOLVE; `routes`
 * {'host:port': port on 127.0.0.1}; `onConnect(request, socket)`, which may take the socket over by returning true;
 * `chunk`, bytes of the replies in one write (0: all); `negotiation(request)`, the bytes before the reply; `port`, its own.
 */
export async function createSocksServer(options = {}) {
  const {
    user,
    password,
    names = {},
    routes = {},
    chunk = 0,
    host = '127.0.0.1',
    port = 0,
  } = options
  const requests = []
  const sockets = new Set()
  const waiting = []

  async function write(socket, bytes) {
    if (!chunk) return void socket.write(bytes)
    for (let at = 0; at < bytes.length; at += chunk) {
      socket.write(bytes.subarray(at, at + chunk))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async function serve(socket, request) {
    const refused = user !== undefined && (request.user !== user || request.password !== password)
    const hello = request.user === undefined ? [5, 0] : [5, 2, 1, refused ? 1 : 0]
    const before = options.negotiation?.(request) ?? Buffer.from(hello)
    if (request.command === CONNECT && (await options.onConnect?.(request, socket, before))) return
    if (refused) return void socket.end(before)
    if (request.command !== CONNECT) {
      const answer = names ? answerName(names, request) : reply(7)
      await write(socket, Buffer.concat([before, answer]))
      return void socket.end()
    }
    const target = routes[`${request.host}:${request.port}`] ?? routes[`*:${request.port}`]
    if (target === undefined) {
      await write(socket, Buffer.concat([before, reply(5)]))
      return void socket.end()
    }
    const upstream = net.connect(target, '127.0.0.1')
    sockets.add(upstream)
    upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy())
    socket.on('close', () => upstream.destroy())
    await once(upstream, 'connect')
    await write(socket, Buffer.concat([before, reply(0)]))
    if (request.rest.length > 0) upstream.write(request.rest)
    socket.pipe(upstream).pipe(socket)
  }

  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    let bytes = Buffer.alloc(0)
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.on('data', function collect(data) {
      bytes = Buffer.concat([bytes, data])
      const request = parse(bytes)
      if (!request) return
      socket.off('data', collect)
      socket.pause()
      request.firstWrite = data.length === bytes.length
      requests.push(request)
      for (const wake of waiting.splice(0)) wake()
      serve(socket, request).catch(() => socket.destroy())
    })
    socket.on('end', () => {
      if (!parse(bytes)) socket.destroy()
    })
  })
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: server.address().port,
    requests,
    connects: () => requests.filter(({ command }) => command === CONNECT),
    /** Resolves once `count` requests have come. */
    async seen(count) {
      while (requests.length < count) await new Promise((resolve) => waiting.push(resolve))
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
    /** As the kernel does for the sidecar when that is killed. */
    async kill() {
      for (const socket of sockets) socket.resetAndDestroy()
      await this.close()
    },
  }
}
