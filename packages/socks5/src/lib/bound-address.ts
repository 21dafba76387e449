import type { Duplex } from 'node:stream'
import { type SocksAddress, toSocksAddress, UNSPECIFIED } from './address.ts'

const bound = new WeakMap<Duplex, SocksAddress>()

/** Remembers what a proxy said it connects from. */
export function setBoundAddress(stream: Duplex, address: SocksAddress): void {
  bound.set(stream, address)
}

/**
 * BND.ADDR of a connection: for one of `connectSocks5` what the proxy said, for a socket its own
 * local address, 0.0.0.0:0 where nobody knows.
 */
export function getBoundAddress(stream: Duplex): SocksAddress {
  const told = bound.get(stream)
  if (told !== undefined) return told
  if (!('localAddress' in stream && 'localPort' in stream)) return UNSPECIFIED
  const { localAddress, localPort } = stream
  if (typeof localAddress !== 'string' || typeof localPort !== 'number') return UNSPECIFIED
  return socketAddress(localAddress, localPort)
}

/**
 * An address as Node reports it. A dual-stack socket has IPv4 peers in IPv6 clothes and link-local
 * ones with a zone: clients and rules get plain IPv4 and no zone.
 */
export function socketAddress(host: string, port: number): SocksAddress {
  const [withoutZone = host] = host.split('%')
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(withoutZone)
  return toSocksAddress(mapped?.[1] ?? withoutZone, port)
}
