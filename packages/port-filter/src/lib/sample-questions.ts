import type { Questions } from './filter.ts'

/** Questions of every kind that a filter may be asked, the odd ones included. */
export type Samples = { readonly [Hook in keyof Questions]: readonly Questions[Hook][] }

const peer = {
  name: 'laptop.example.ts.net',
  user: 'ann@example.com',
  tags: [],
  addresses: ['100.64.0.2', 'fd7a:115c:a1e0::2'],
}
const inbound = {
  network: 'tcp',
  source: { address: '100.64.0.2', port: 40_000 },
  destination: { address: '100.64.0.1', port: 8000 },
  export: 1,
} as const
const outbound = {
  network: 'tcp',
  source: { address: '127.0.0.1', port: 40_000 },
  destination: { address: '100.64.0.3', port: 443 },
  origin: 'preload',
} as const

export const SAMPLES: Samples = {
  outbound: [
    {
      ...outbound,
      name: 'web.example.ts.net',
      peer: 'web.example.ts.net',
      run: 'run-1',
      pid: 4711,
    },
    { ...outbound, origin: 'socks', destination: { address: '198.51.100.7', port: 65_535 } },
    { ...outbound, network: 'udp', destination: { address: 'fd7a:115c:a1e0::3', port: 53 } },
  ],
  inbound: [
    { ...inbound, peer, run: 'run-1' },
    { ...inbound, peer: { name: 'web.example.ts.net', tags: ['tag:web', 'tag:prod'] } },
    { ...inbound, peer: { name: '', tags: [] } },
    // Nobody knows who it is.
    { ...inbound, network: 'udp' },
  ],
  export: [
    { network: 'tcp', family: 'tcp4', address: '0.0.0.0', port: 8000, pid: 4711, run: 'run-1' },
    { network: 'tcp', family: 'tcp46', address: '::', port: 1 },
    { network: 'udp', family: 'udp6', address: 'fd00::1', port: 65_535 },
  ],
}
