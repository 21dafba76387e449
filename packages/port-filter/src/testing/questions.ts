import type { ExportRequest, Filter, InboundFlow, OutboundFlow } from '../index.ts'

export const outboundFlow: OutboundFlow = {
  network: 'tcp',
  source: { address: '127.0.0.1', port: 40_000 },
  destination: { address: '100.64.0.3', port: 443 },
  origin: 'preload',
}

export const inboundFlow: InboundFlow = {
  network: 'tcp',
  source: { address: '100.64.0.2', port: 40_000 },
  destination: { address: '100.64.0.1', port: 8000 },
  export: 1,
  peer: { name: 'laptop', user: 'ann@example.com', tags: [] },
}

export const exportRequest: ExportRequest = {
  network: 'tcp',
  family: 'tcp4',
  address: '0.0.0.0',
  port: 8000,
}

/** A filter whose outbound hook is `outbound`. */
export function outboundFilter(outbound: Filter['outbound'], name = 'mine'): Filter {
  return { name, ...(outbound && { outbound }) }
}
