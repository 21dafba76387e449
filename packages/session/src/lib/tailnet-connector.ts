import { isIP, type Socket } from 'node:net'
import tls from 'node:tls'
import type { DialTarget } from './tailnet-agents.ts'

/** What undici tells its connector of an origin. */
export interface ConnectorTarget {
  hostname: string
  protocol: string
  /** `''` for the protocol's own. */
  port: string
  servername?: string | null
}

/** Of undici: `(error, null)` or `(null, socket)`. */
export type ConnectorCallback = (...result: [null, Socket] | [Error, null]) => void

/** As undici's `buildConnector()` makes them, for `new Agent({ connect })`. */
export type Connector = (target: ConnectorTarget, callback: ConnectorCallback) => void

/** @param options of TLS, for `https:` origins */
export function createConnector(dial: DialTarget, options: tls.ConnectionOptions): Connector {
  return (target, callback) => {
    open(target, dial, options).then(
      (socket) => callback(null, socket),
      (error: Error) => callback(error, null),
    )
  }
}

async function open(
  { hostname, protocol, port, servername }: ConnectorTarget,
  dial: DialTarget,
  options: tls.ConnectionOptions,
): Promise<Socket> {
  const isSecure = protocol === 'https:'
  const socket = await dial({ host: hostname, port: Number(port) || (isSecure ? 443 : 80) })
  if (!isSecure) return socket
  const name = servername || hostname
  return secure({
    ALPNProtocols: ['http/1.1'],
    // An address is no server name (RFC 6066 section 3).
    ...(isIP(name) === 0 ? { servername: name } : { host: name }),
    ...options,
    socket,
  })
}

/** undici wants a socket on which TLS is through. */
function secure(options: tls.ConnectionOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect(options)
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}
