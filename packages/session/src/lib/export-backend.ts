import type { ExportBackend } from '@tailproxy/exporter'
import type { FilterChain } from '@tailproxy/port-filter'
import { DEFAULT_MAX_CONNECTIONS, type ExportOptions } from './export-options.ts'
import type { LastingExports } from './lasting-exports.ts'

/** Has the session's sidecars serve what an exporter wants served, to the peers that the filters let in. */
export function lastingBackend(
  exports: LastingExports,
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
    export: (call) => exports.export({ ...common, ...call }),
    retarget: (id, targets) => exports.retarget(id, targets),
    unexport: (id, { drain }) => exports.unexport(id, { drain }),
    listening: (sockets) => exports.listening(sockets),
  }
}
