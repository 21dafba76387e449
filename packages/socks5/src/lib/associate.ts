import { createSocket, type Socket } from 'node:dgram'
import { EventEmitter, once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { Duplex } from 'node:stream'
import { type SocksAddress, toSocksAddress, UNSPECIFIED } from './address.ts'
import { socketAddress } from './bound-address.ts'
import type { Socks5ClientOptions } from './client-options.ts'
import { type Datagram, decodeDatagram, encodeDatagram } from './datagram.ts'
import { openProxy } from './open-proxy.ts'

export type Socks5AssociationEvents = {
  /** A datagram, and who sent it. */
  message: [data: Uint8Array, source: SocksAddress]
  /** The proxy, its connection or `close()` has ended it. Nothing comes after. */
  close: []
}

/** UDP through a proxy. As UDP does, it loses datagrams without a word. */
export interface Socks5Association extends EventEmitter<Socks5AssociationEvents> {
  /** Where the proxy takes datagrams. */
  readonly relay: SocksAddress
  /**
   * Resolves when the datagram has been handed to the kernel.
   * @throws {AddressError | DomainNameError | FieldError} for a destination that cannot be encoded,
   * or Node's error, such as EMSGSIZE
   */
  send(data: Uint8Array, destination: { host: string; port: number }): Promise<void>
  close(): void
}

/**
 * Opens a UDP association (RFC 1928 section 7). It keeps the process alive until `close()`.
 * @throws as `connectSocks5` does; {ReplyError} with reply 7 if the proxy has no UDP
 */
export async function associateSocks5(options: Socks5ClientOptions): Promise<Socks5Association> {
  const request = { command: 'udp-associate', destination: UNSPECIFIED } as const
  const { stream, reply } = await openProxy(options, request)
  stream.on('error', () => {})
  const relay = relayAddress(reply.bound, stream)
  const socket = createSocket(isIPv6(relay.host) ? 'udp6' : 'udp4')
  try {
    socket.bind()
    await once(socket, 'listening')
    // Connected, so that the kernel lets only the relay in.
    socket.connect(relay.port, relay.host)
    await once(socket, 'connect')
    return new Association(stream, socket, relay)
  } catch (error) {
    stream.destroy()
    socket.close()
    throw error
  }
}

/** A relay of all zeros is where the proxy itself is. */
function relayAddress(bound: SocksAddress, stream: Duplex): SocksAddress {
  if (bound.host !== '0.0.0.0' && bound.host !== '::') return bound
  const host = 'remoteAddress' in stream ? stream.remoteAddress : undefined
  return typeof host === 'string' ? socketAddress(host, bound.port) : bound
}

class Association extends EventEmitter<Socks5AssociationEvents> implements Socks5Association {
  readonly relay: SocksAddress
  readonly #stream: Duplex
  readonly #socket: Socket
  #closed = false

  constructor(stream: Duplex, socket: Socket, relay: SocksAddress) {
    super()
    this.relay = relay
    this.#stream = stream
    this.#socket = socket
    stream.on('end', () => this.close())
    stream.on('close', () => this.close()).resume()
    if (stream.destroyed) process.nextTick(() => this.close())
    // What a connected socket hears of its peer (ECONNREFUSED) is a lost datagram.
    socket.on('error', () => {})
    socket.on('message', (bytes) => this.#receive(bytes))
  }

  async send(data: Uint8Array, { host, port }: { host: string; port: number }): Promise<void> {
    const destination = toSocksAddress(host, port)
    const bytes = encodeDatagram({ fragment: 0, destination, data })
    if (this.#closed) return
    await new Promise<void>((resolve, reject) => {
      this.#socket.send(bytes, (error) => (error ? reject(error) : resolve()))
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stream.destroy()
    this.#socket.close()
    this.emit('close')
  }

  #receive(bytes: Uint8Array): void {
    const datagram = standalone(bytes)
    if (datagram !== undefined) this.emit('message', datagram.data, datagram.destination)
  }
}

function standalone(bytes: Uint8Array): Datagram | undefined {
  try {
    const datagram = decodeDatagram(bytes)
    return datagram.fragment === 0 ? datagram : undefined
  } catch {
    return undefined
  }
}
