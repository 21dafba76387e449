import type { Settings } from '@tailproxy/config'
import type { ExportOptions } from '@tailproxy/session'

export function exportOptions(settings: Settings): ExportOptions {
  return {
    max: settings.exportMax,
    idleTimeout: settings.exportIdle,
    proxyProtocol: settings.exportProxyProtocol,
    showPeers: settings.exportPeers,
    maxConnections: settings.exportConnections,
    ...(settings.exportService ? { service: settings.exportService } : {}),
  }
}
