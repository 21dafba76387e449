import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { abortable } from './abortable.ts'
import type { SocksAddress } from './address.ts'
import { socketAddress } from './bound-address.ts'
import { reset } from './reset.ts'

export interface OnceListener {
  address: SocksAddress
  /** The connection; rejects with the signal's reason. */
  accept(signal: AbortSignal): Promise<Socket>
  close(): void
}

/** Listens on a port the kernel chooses for one connection from a host that is expected. */
export async function listenOnce(
  host: string,
  isExpected: (host: string) => boolean,
): Promise<OnceListener> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true })
  const accepted = new Promise<Socket>((resolve) => {
    server.on('connection', (socket) => {
      socket.on('error', () => {})
      const { remoteAddress, remotePort = 0 } = socket
      const isWanted =
        server.listening &&
        remoteAddress !== undefined &&
        isExpected(socketAddress(remoteAddress, remotePort).host)
      if (!isWanted) return reset(socket)
      server.close()
      resolve(socket)
    })
  })
  server.listen({ host, port: 0 })
  await once(server, 'listening')
  // What the kernel still may fail at (accept(2) without descriptors) ends in the caller's timeout.
  server.on('error', () => {})
  const { address, port } = server.address() as { address: string; port: number }
  return {
    address: socketAddress(address, port),
    accept: (signal) => abortable(accepted, signal, reset),
    close: () => void server.close(),
  }
}
