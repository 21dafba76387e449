import type { SessionPeer } from '@tailproxy/session/host'
import { expect, test } from 'vitest'
import { describePeers } from './describe-peers.ts'

const NOW = Date.parse('2026-01-02T00:00:00Z')
const peer: SessionPeer = {
  ...{ id: 'n1', name: 'alpha.example.ts.net', addresses: ['100.64.0.1', 'fd7a::1'], online: true },
  ...{ exitNodeOption: false, bytesUp: 1_000, bytesDown: 20 },
}

test('shows how each peer is reached, those that are online first', () => {
  const peers: SessionPeer[] = [
    {
      ...{ ...peer, name: 'zeta.example.ts.net', online: false, os: 'linux' },
      lastSeen: '2026-01-01T22:00:00Z',
    },
    { ...peer, name: 'beta.example.ts.net', path: { kind: 'relay', relay: 'Frankfurt' } },
    { ...peer, path: { kind: 'direct', endpoint: '192.0.2.1:41641' } },
    { ...peer, name: 'eta.example.ts.net', online: false, expired: true },
    { ...peer, name: 'iota.example.ts.net', online: false, lastSeen: '0001-01-01T00:00:00Z' },
  ]
  expect(describePeers(peers, NOW)).toBe(
    `NAME                  ADDRESS     OS     STATE                PATH                    UP      DOWN
alpha.example.ts.net  100.64.0.1  -      online               direct 192.0.2.1:41641  1.0 kB  20 B
beta.example.ts.net   100.64.0.1  -      online               relay Frankfurt         1.0 kB  20 B
eta.example.ts.net    100.64.0.1  -      its key has expired  -                       1.0 kB  20 B
iota.example.ts.net   100.64.0.1  -      offline              -                       1.0 kB  20 B
zeta.example.ts.net   100.64.0.1  linux  seen 2 h ago         -                       1.0 kB  20 B
`,
  )
})

test('says that there is none', () => {
  expect(describePeers([])).toBe('this tailnet has no other nodes\n')
})
