// A port of UDP of a fake sidecar: each peer has a socket of its own to the program.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** `accept(one)` says whether a peer is let in, and counts it; `changed(one)` tells of the counts. */
export async function serveUdp(one, { port, target, accept, changed }) {
  const server = createSocket('udp4')
  const peers = new Map()
  server.on('message', (datagram, peer) => {
    const name = `${peer.address}:${peer.port}`
    if (!peers.has(name)) peers.set(name, accept(one) ? connectTo(target(one), peer) : undefined)
    const program = peers.get(name)
    if (!program) return
    one.state.bytesDown += datagram.length
    program.send(datagram)
  })

  function connectTo([host, to], peer) {
    const program = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    program.connect(Number(to), host)
    program.on('message', (datagram) => {
      one.state.bytesUp += datagram.length
      server.send(datagram, peer.port, peer.address)
      changed(one)
    })
    // Nobody has the port: what was sent is lost.
    program.on('error', () => {})
    const connected = once(program, 'connect')
    one.sockets.add({ resetAndDestroy: () => program.close() })
    return { send: (datagram) => void connected.then(() => program.send(datagram)) }
  }

  server.bind(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}
