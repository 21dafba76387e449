import type { Family } from '@tailproxy/control-protocol'

export type Network = 'tcp' | 'udp'

/** A port of one network, as `53/udp`. That of the other with the same number is another port. */
export type PortKey = `${number}/${Network}`

export interface PortName {
  readonly network: Network
  readonly port: number
}

export function portKey({ network, port }: PortName): PortKey {
  return `${port}/${network}`
}

export function networkOf(family: Family): Network {
  return family.startsWith('udp') ? 'udp' : 'tcp'
}

/** As other versions, and who means TCP without a word, may name one. */
interface AnyPortName {
  readonly network?: string | undefined
  readonly port: number
}

/** For people, and as commands take it: one of TCP is just its number. */
export function portText({ network, port }: AnyPortName): string {
  return network === 'udp' ? `${port}/udp` : String(port)
}

export function describePort(name: AnyPortName): string {
  return `port ${portText(name)}`
}
