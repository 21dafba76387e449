// Ordinary servers on loopback, for both runs of a program.
import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import { start } from './program.mjs'
import { createSocksServer } from './socks-server.mjs'
import { programPath } from './toolchain.mjs'

export const CREDENTIAL = { user: 'run-1', password: 'secret word' }

export const credentialEnvironment = {
  TAILPROXY_PRELOAD_USER: CREDENTIAL.user,
  TAILPROXY_PRELOAD_PASSWORD: CREDENTIAL.password,
}

async function listen(context, host, onConnection) {
  const sockets = new Set()
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    onConnection(socket)
  })
  server.listen(0, host)
  await once(server, 'listening')
  context.defer(async () => {
    for (const socket of sockets) socket.destroy()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  })
  return { server, port: server.address().port }
}

/** Speaks first, then returns every byte, and closes when the client does. */
export function echoServer(context, { host = '127.0.0.1', banner = '' } = {}) {
  return listen(context, host, (socket) => {
    if (banner) socket.write(banner)
    socket.pipe(socket)
  })
}

/** A port on which nothing listens, kept from others by a socket that is bound and never listens. */
export async function closedPort(context) {
  const holder = start(context, programPath('hold-port'), ['bound'])
  await holder.says('\n')
  return portSaid(holder)
}

/** A listener whose queue is full: a connect() to it waits until `release()`, or until `refuse()` ends it. */
export async function slowServer(context) {
  const holder = start(context, programPath('hold-port'), ['full'])
  await holder.says('\n')
  return { port: portSaid(holder), release: () => holder.tell('go'), refuse: holder.kill }
}

function portSaid(holder) {
  return Number(/^(\d+)\n/.exec(holder.output())[1])
}

export async function socksServer(context, options = {}) {
  const server = await createSocksServer(options)
  context.defer(() => server.close())
  return server
}

async function bindDatagrams(context, type, host, port) {
  const server = dgram.createSocket({ type, ipv6Only: type === 'udp6', recvBufferSize: 1 << 20 })
  server.on('message', (bytes, from) => server.send(bytes, from.port, from.address))
  server.bind(port, host)
  await once(server, 'listening')
  context.defer(() => new Promise((resolve) => server.close(resolve)))
  return server.address().port
}

/** Returns every datagram, on one port of 127.0.0.1 and ::1; or of another IPv4 address. */
export async function echoDatagrams(context, host) {
  if (host) return bindDatagrams(context, 'udp4', host, 0)
  for (;;) {
    const port = await bindDatagrams(context, 'udp4', '127.0.0.1', 0)
    try {
      return await bindDatagrams(context, 'udp6', '::1', port)
    } catch (error) {
      if (error.code !== 'EADDRINUSE') throw error
    }
  }
}
