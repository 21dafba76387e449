import type { Filter } from './filter.ts'
import type { ExportRequest } from './flow.ts'
import { type PortSpec, parsePortSet } from './parse-port-set.ts'
import type { PortSet } from './port-set.ts'
import type { ServiceLookup } from './services.ts'
import { ALLOW, deny, type Opinion } from './verdict.ts'

/** How many listeners a session exports unless it is told otherwise. */
export const DEFAULT_MAX_EXPORTS = 32

export interface PortFilterOptions {
  /** When it is given no other port passes; an empty array lets none pass. */
  allow?: PortSpec | undefined
  /** Wins over `allow`. */
  deny?: PortSpec | undefined
  /** @default 'ports' */
  name?: string | undefined
  /** Asked for service names before the built-in ones. */
  services?: ServiceLookup | undefined
}

/** A filter of exports by their port, all of it static. */
export interface PortFilter extends Filter {
  /** What it makes of a port; for a hook of your own as well. */
  decide(request: Pick<ExportRequest, 'port'> & Partial<ExportRequest>): Opinion
}

/** Sets of ports in which `deny` wins. */
export interface PortLists {
  readonly allow?: PortSet | undefined
  readonly deny?: PortSet | undefined
}

/** @throws {PortSpecError} naming the part of a spec that is wrong */
export function createPortFilter(options: PortFilterOptions = {}): PortFilter {
  const { name = 'ports', services } = options
  const lists: PortLists = {
    allow: options.allow === undefined ? undefined : parsePortSet(options.allow, { services }),
    deny: options.deny === undefined ? undefined : parsePortSet(options.deny, { services }),
  }
  return {
    name,
    static: { exports: lists },
    decide: ({ port }) => decidePort(lists, port),
  }
}

export function decidePort(lists: PortLists, port: number): Opinion {
  if (lists.deny?.has(port)) return deny(`port ${port} is on the deny list`)
  if (!lists.allow) return undefined
  return lists.allow.has(port) ? ALLOW : deny(`port ${port} is not on the allow list`)
}
