import type { ExportBackend } from '@tailproxy/exporter'
import type { FilterChain } from '@tailproxy/port-filter'
import type { Sidecar } from '@tailproxy/sidecar'
import { DEFAULT_MAX_CONNECTIONS, type ExportOptions } from './export-options.ts'

/** Has the sidecar serve what an exporter wants served, to the peers that the filters let in. */
export function sidecarBackend(
  sidecar: Sidecar,
  filters: FilterChain,
  { run, options }: { run?: string | undefined; options: ExportOptions },
): ExportBackend {
  const { users = [], tags = [] } = filters.staticRules().inbound ?? {}
  const common = {
    ...(run === undefined ? {} : { run }),
    allow: { users: [...users], tags: [...tags] },
    ask: filters.needsAsking('inbound'),
    proxyProtocol: options.proxyProtocol ?? false,
    showPeers: options.showPeers ?? true,
    maxConnections: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
    ...(options.service === undefined ? {} : { service: options.service }),
  }
  return {
    export: ({ port, targets }) => sidecar.export({ ...common, port, targets }),
    retarget: (id, targets) => sidecar.retarget(id, targets),
    unexport: (id, { drain }) => sidecar.unexport(id, { drain }),
    listening: (sockets) => sidecar.listening(sockets),
  }
}
