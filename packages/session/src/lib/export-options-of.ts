import type { Settings } from '@tailproxy/config/collect'
import type { ExportOptions } from './export-options.ts'

export function exportOptionsOf(settings: Settings): ExportOptions {
  return {
    max: settings.exportMax,
    idleTimeout: settings.exportIdle,
    proxyProtocol: settings.exportProxyProtocol,
    showPeers: settings.exportPeers,
    maxConnections: settings.exportConnections,
    ...(settings.exportService ? { service: settings.exportService } : {}),
  }
}
