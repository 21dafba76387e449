import { canonicalAddress, type Family } from '@tailproxy/control-protocol'
import { type Network, networkOf } from './port-key.ts'

/** What a program says of a socket that listens; of UDP, of one that is bound. */
export interface ListenRequest {
  /** `tcp6` takes no IPv4, `tcp46` both; `udp` alike. */
  readonly family: Family
  /**
   * What the socket is bound to, without a zone.
   * @default the family's loopback, as version 1 of the protocol has it; never refused as loopback
   */
  readonly address?: string | undefined
  /** 1 to 65535. */
  readonly port: number
  /**
   * `SO_COOKIE`: which socket it is. Without it (or with 0n) the kernel cannot be asked about it;
   * it belongs to its owner alone, and each `listen` needs a `close`.
   */
  readonly socket?: bigint | undefined
}

/** A request that was looked over. */
export interface Listener {
  readonly network: Network
  readonly family: Family
  /** In its one spelling. */
  readonly address: string
  readonly port: number
  /** 0n when it is not known. */
  readonly socket: bigint
  /** Whether the address is what the program said, rather than taken for granted. */
  readonly isExplicit: boolean
}

/** The listener of a request, or why there is none. */
export function readListener(request: ListenRequest): Listener | { readonly invalid: string } {
  const { family, address, port, socket = 0n } = request
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    return { invalid: `port ${port} is not 1 to 65535` }
  }
  const network = networkOf(family)
  if (address === undefined) {
    return { network, family, address: assumedAddress(family), port, socket, isExplicit: false }
  }
  const version = family.endsWith('p4') ? 4 : 6
  const canonical = canonicalAddress(version, address)
  if (canonical === undefined) {
    return { invalid: `${address} is not an IPv${version} address, which ${family} has` }
  }
  return { network, family, address: canonical, port, socket, isExplicit: true }
}

function assumedAddress(family: Family): string {
  if (family.endsWith('p4')) return '127.0.0.1'
  // What takes both is reached by both loopbacks, as `::` is.
  return family.endsWith('p46') ? '::' : '::1'
}

/** What is the same listener has the same key. */
export function listenerKey({ family, address, port, socket }: Listener): string {
  return `${family} ${address} ${port} ${socket}`
}

/** 127.0.0.0/8, ::1, and those of IPv4 in IPv6's clothes. */
export function isLoopback({ address }: Listener): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}

/** Where the socket is reached from this host: at one address, or at one of each family. */
export interface Targets {
  readonly v4?: string
  readonly v6?: string
}

export function targetsOf({ family, address, port }: Listener): Targets {
  const v4 = family.endsWith('p4') ? address : mappedIpv4(address)
  if (v4 !== undefined) return { v4: `${v4 === '0.0.0.0' ? '127.0.0.1' : v4}:${port}` }
  if (address !== '::') return { v6: `[${address}]:${port}` }
  const v6 = `[::1]:${port}`
  return family.endsWith('p46') ? { v4: `127.0.0.1:${port}`, v6 } : { v6 }
}

function mappedIpv4(address: string): string | undefined {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : undefined
}

/** What the socket is bound to, as the kernel names it. */
export function boundTo({ address, port }: Listener): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
