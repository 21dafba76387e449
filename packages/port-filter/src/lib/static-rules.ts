import type { ReadRules } from './check-filter.ts'
import { intersectPeerLists, type PeerList } from './inbound-rules.ts'
import type { PortLists } from './port-filter.ts'
import type { PortSet } from './port-set.ts'

/** What all static rules come to. */
export interface MergedRules {
  /** Not there when there is no such rule, or no list says it; then `needsAsking('inbound')`. */
  readonly inbound?: PeerList | undefined
  readonly exports?: PortLists | undefined
}

/** What passes these rules passes each of `all`, as far as lists can say it. */
export function mergeRules(all: readonly ReadRules[]): MergedRules {
  const peers = all.flatMap(({ inbound }) => inbound ?? [])
  const ports = all.flatMap(({ exports }) => exports ?? [])
  const inbound = intersectPeerLists(peers)
  return {
    ...(inbound && { inbound }),
    ...(ports.length > 0 && { exports: mergePorts(ports) }),
  }
}

function mergePorts(lists: readonly PortLists[]): PortLists {
  const allow = lists.flatMap((list) => list.allow ?? [])
  const deny = lists.flatMap((list) => list.deny ?? [])
  return {
    allow: joined(allow, (a, b) => a.intersection(b)),
    deny: joined(deny, (a, b) => a.union(b)),
  }
}

function joined(
  sets: readonly PortSet[],
  join: (a: PortSet, b: PortSet) => PortSet,
): PortSet | undefined {
  const [first, ...others] = sets
  return first && others.reduce(join, first)
}
