import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { SocksAddress } from './address.ts'
import { socketAddress } from './bound-address.ts'
import { type Datagram, decodeDatagram, encodeDatagram } from './datagram.ts'
import { Routes } from './udp-routes.ts'

/** Bytes that may wait in a socket before datagrams are dropped, as a full queue does. */
const SEND_QUEUE_LIMIT = 1_048_576

export interface UdpRelayOptions {
  /** Where the client sends to. */
  host: string
  /** Whose datagrams are relayed; port 0 is whichever it sends from first. */
  client: { host: string; port: number }
  /** Addresses a destination may be reached at. Rejects if none. */
  route: (destination: SocksAddress) => Promise<readonly [string, ...string[]]>
}

export interface UdpRelay {
  address: SocksAddress
  close(): void
}

/**
 * A relay of RFC 1928 section 7 for one client. What it cannot relay it drops, as UDP does:
 * fragments, what is malformed or denied, what comes from anyone but the client, and answers from
 * hosts the client has not sent to.
 */
export async function openUdpRelay(options: UdpRelayOptions): Promise<UdpRelay> {
  const near = createSocket(isIPv6(options.host) ? 'udp6' : 'udp4')
  try {
    near.bind(0, options.host)
    await once(near, 'listening')
  } catch (error) {
    near.close()
    throw error
  }
  const relay = new Relay(near, options)
  const { address, port } = near.address()
  return { address: socketAddress(address, port), close: () => relay.close() }
}

class Relay {
  readonly #near: Socket
  readonly #far = new Map<'udp4' | 'udp6', Socket>()
  readonly #clientHost: string
  readonly #routes: Routes
  #clientPort: number
  #closed = false

  constructor(near: Socket, { client, route }: UdpRelayOptions) {
    this.#near = near
    this.#clientHost = client.host
    this.#clientPort = client.port
    this.#routes = new Routes(route)
    near.on('message', (bytes, from) => this.#fromClient(bytes, from))
    near.on('error', () => {})
  }

  close(): void {
    this.#closed = true
    this.#near.close()
    for (const far of this.#far.values()) far.close()
  }

  #fromClient(bytes: Uint8Array, from: RemoteInfo): void {
    const { host, port } = socketAddress(from.address, from.port)
    if (host !== this.#clientHost) return
    if (this.#clientPort !== 0 && port !== this.#clientPort) return
    const datagram = readDatagram(bytes)
    if (datagram === undefined || datagram.fragment !== 0) return
    this.#clientPort = port
    void this.#forward(datagram)
  }

  async #forward({ destination, data }: Datagram): Promise<void> {
    const host = await this.#routes.find(destination)
    if (host === undefined || this.#closed) return
    send(this.#farFor(host), data, destination.port, host)
  }

  #farFor(host: string): Socket {
    const family = isIPv6(host) ? 'udp6' : 'udp4'
    const existing = this.#far.get(family)
    if (existing !== undefined) return existing
    const far = createSocket(family)
    far.on('message', (data, from) => this.#fromPeer(data, from))
    far.on('error', () => {})
    this.#far.set(family, far)
    return far
  }

  #fromPeer(data: Uint8Array, from: RemoteInfo): void {
    const destination = socketAddress(from.address, from.port)
    if (!this.#routes.has(destination.host)) return
    const bytes = encodeDatagram({ fragment: 0, destination, data })
    send(this.#near, bytes, this.#clientPort, this.#clientHost)
  }
}

function readDatagram(bytes: Uint8Array): Datagram | undefined {
  try {
    return decodeDatagram(bytes)
  } catch {
    return undefined
  }
}

function send(socket: Socket, bytes: Uint8Array, port: number, host: string): void {
  // Port 0 makes send() throw, and nobody can be reached there.
  if (port === 0 || socket.getSendQueueSize() > SEND_QUEUE_LIMIT) return
  socket.send(bytes, port, host, () => {})
}
