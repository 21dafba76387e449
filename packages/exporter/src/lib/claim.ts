import { type Listener, listenerKey, type Targets, targetsOf } from './listener.ts'

/** Whoever tells of listeners: a control connection, or (0) who exports ports by hand. */
export type OwnerId = number

/** The owner of what was added by hand. */
export const BY_HAND: OwnerId = 0

/** A listener, and who has told of it. */
export interface Claim {
  readonly key: string
  readonly listener: Listener
  /** How often each has told of it; always 1 when the socket is known. */
  readonly owners: Map<OwnerId, number>
  /** When it is given up, unless another owner tells of it: its last one's connection has ended. */
  orphanUntil: number | undefined
  /** Which `listen` was the last; an answer of the kernel that is older says nothing of it. */
  touched: number
}

/** A known socket has one claim, whoever tells of it; else each owner has one of its own. */
export function claimKey(listener: Listener, owner: OwnerId): string {
  const key = listenerKey(listener)
  return listener.socket === 0n ? `${key} of ${owner}` : key
}

/** Whether the kernel can be asked about it. */
export function isKnown({ listener }: Claim): boolean {
  return listener.socket !== 0n
}

/** The claims on one port. Together they say where its connections go. */
export class Claims {
  readonly #claims = new Map<string, Claim>()

  get size(): number {
    return this.#claims.size
  }

  [Symbol.iterator](): IterableIterator<Claim> {
    return this.#claims.values()
  }

  get(key: string): Claim | undefined {
    return this.#claims.get(key)
  }

  /** @returns whether it is the owner's first word of it */
  add(listener: Listener, owner: OwnerId, touched: number): boolean {
    const key = claimKey(listener, owner)
    const claim = this.#claims.get(key) ?? {
      key,
      listener,
      owners: new Map<OwnerId, number>(),
      orphanUntil: undefined,
      touched,
    }
    this.#claims.set(key, claim)
    const before = claim.owners.get(owner) ?? 0
    const counts = listener.socket === 0n && owner !== BY_HAND
    claim.owners.set(owner, counts ? before + 1 : 1)
    claim.orphanUntil = undefined
    claim.touched = touched
    return before === 0
  }

  /** @returns whether that was the owner's last word of it */
  subtract(claim: Claim, owner: OwnerId): boolean {
    const left = (claim.owners.get(owner) ?? 0) - 1
    if (left > 0) claim.owners.set(owner, left)
    else claim.owners.delete(owner)
    return left <= 0
  }

  remove(claim: Claim): void {
    this.#claims.delete(claim.key)
  }

  /** Whether the port's connections of one family go elsewhere already. */
  conflictsWith(listener: Listener): boolean {
    const { v4, v6 } = this.#merged()
    const wanted = targetsOf(listener)
    return differ(v4, wanted.v4) || differ(v6, wanted.v6)
  }

  /** One address for each family at the most, IPv4 first; none when there is no claim. */
  targets(): string[] {
    const { v4, v6 } = this.#merged()
    return [v4, v6].filter((target) => target !== undefined)
  }

  #merged(): Targets {
    const merged: { v4?: string; v6?: string } = {}
    for (const { listener } of this) Object.assign(merged, targetsOf(listener))
    return merged
  }
}

function differ(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other
}

/** Whether all of a listener's connections go to one of these. */
export function isServedBy(listener: Listener, targets: readonly string[]): boolean {
  return Object.values(targetsOf(listener)).every((target) => targets.includes(target))
}
