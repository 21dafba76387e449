import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { toSocksAddress } from './address.ts'
import type { ProxyAddress, Socks5ClientOptions } from './client-options.ts'
import { openProxy } from './open-proxy.ts'

export interface ConnectSocks5Options extends Socks5ClientOptions {
  /** A name is sent as it is: the proxy resolves it. */
  destination: { host: string; port: number }
  /**
   * As in `net.connect`, for a `proxy` that is an address.
   * @default false
   */
  allowHalfOpen?: boolean
}

/**
 * Connects through a proxy. The stream is ready to be used, bytes that came right behind the reply
 * are in it, and `getBoundAddress` knows what address the proxy connects from.
 * @returns a socket, or `proxy` itself if that is a stream
 * @throws {ProxyError} if the proxy cannot be reached, {ReplyError} if it cannot reach the
 * destination, {MethodError | AuthenticationError} if it does not want this client, {TimeoutError},
 * {ClosedError}, the signal's reason, or what `encodeRequest` and `encodeCredentials` throw
 */
export async function connectSocks5<T extends Duplex>(
  options: ConnectSocks5Options & { proxy: T },
): Promise<T>
export async function connectSocks5(
  options: ConnectSocks5Options & { proxy: ProxyAddress },
): Promise<Socket>
export async function connectSocks5(options: ConnectSocks5Options): Promise<Duplex>
export async function connectSocks5(options: ConnectSocks5Options): Promise<Duplex> {
  const { host, port } = options.destination
  const destination = toSocksAddress(host, port)
  const { stream } = await openProxy(options, { command: 'connect', destination })
  return stream
}
