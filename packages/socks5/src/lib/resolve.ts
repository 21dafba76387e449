import { toSocksAddress } from './address.ts'
import type { Socks5ClientOptions } from './client-options.ts'
import { AddressError } from './errors.ts'
import { openProxy } from './open-proxy.ts'

export interface ResolveSocks5Options extends Socks5ClientOptions {
  /** The name to look up. */
  name: string
}

export interface ResolvePtrSocks5Options extends Socks5ClientOptions {
  /** The IPv4 or IPv6 address to look up. */
  address: string
}

/**
 * Has a proxy look a name up (Tor's RESOLVE), and closes the connection.
 * @returns an IPv4 or IPv6 address
 * @throws as `connectSocks5` does; {ReplyError} with reply 7 if the proxy does not know RESOLVE
 */
export async function resolveSocks5({ name, ...options }: ResolveSocks5Options): Promise<string> {
  const destination = toSocksAddress(name, 0)
  const { stream, reply } = await openProxy(options, { command: 'resolve', destination })
  stream.destroy()
  return reply.bound.host
}

/**
 * Has a proxy look up the name of an address (Tor's RESOLVE_PTR), and closes the connection.
 * @throws as `resolveSocks5` does; {AddressError} if `address` is none
 */
export async function resolvePtrSocks5(options: ResolvePtrSocks5Options): Promise<string> {
  const { address, ...rest } = options
  const destination = toSocksAddress(address, 0)
  if (destination.type === 'domain') throw new AddressError(address, 'an IPv4 or IPv6 address')
  const { stream, reply } = await openProxy(rest, { command: 'resolve-ptr', destination })
  stream.destroy()
  return reply.bound.host
}
