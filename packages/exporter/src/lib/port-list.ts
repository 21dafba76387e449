import { type Claim, claimKey, isKnown, type OwnerId } from './claim.ts'
import type { Listener } from './listener.ts'
import { PortExport } from './port-export.ts'
import { type PortKey, type PortName, portKey } from './port-key.ts'

/** The ports that somebody wants exported, or that still are. */
export class PortList {
  readonly #ports = new Map<PortKey, PortExport>()

  get size(): number {
    return this.#ports.size
  }

  /** A copy: what is done to one may take it away. */
  all(): PortExport[] {
    return [...this.#ports.values()]
  }

  get(key: PortKey): PortExport | undefined {
    return this.#ports.get(key)
  }

  of(name: PortName): PortExport | undefined {
    return this.#ports.get(portKey(name))
  }

  getOrAdd(name: PortName): PortExport {
    const port = this.of(name) ?? new PortExport(name)
    this.#ports.set(port.key, port)
    return port
  }

  remove(port: PortExport): void {
    if (this.#ports.get(port.key) === port) this.#ports.delete(port.key)
  }

  claimOf(listener: Listener, owner: OwnerId): Claim | undefined {
    return this.of(listener)?.claims.get(claimKey(listener, owner))
  }

  /** What the kernel can be asked about. */
  knownClaims(): Claim[] {
    return this.all().flatMap(({ claims }) => [...claims].filter(isKnown))
  }

  /** How many are wanted. */
  wanted(): number {
    return this.all().filter(({ claims }) => claims.size > 0).length
  }

  isOpening(): boolean {
    return this.all().some(({ busy }) => busy === 'export')
  }

  /** When the next of them is due, by its age or that of a claim. */
  dueAt(idleTimeout: number): number | undefined {
    const times = this.all().flatMap((port) => [
      port.idleAt(idleTimeout),
      ...[...port.claims].map(({ orphanUntil }) => orphanUntil),
    ])
    return earliest(times)
  }
}

export function earliest(times: readonly (number | undefined)[]): number | undefined {
  return times.reduce((first, time) => {
    if (first === undefined || time === undefined) return first ?? time
    return Math.min(first, time)
  }, undefined)
}
