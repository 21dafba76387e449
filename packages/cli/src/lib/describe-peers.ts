import type { SessionPeer, SessionPing } from '@tailproxy/session/host'
import { bytes } from './bytes.ts'
import { columns } from './columns.ts'
import { timeSpan } from './time-span.ts'

/** What people read of peers: a line each, those that are online first. */
export function describePeers(peers: readonly SessionPeer[], now: number = Date.now()): string {
  if (peers.length === 0) return 'this tailnet has no other nodes\n'
  const sorted = [...peers].sort(
    (a, b) => Number(b.online) - Number(a.online) || a.name.localeCompare(b.name),
  )
  const rows = sorted.map((peer) => [
    peer.name,
    peer.addresses[0] ?? '-',
    peer.os || '-',
    stateOf(peer, now),
    describePath(peer.path),
    bytes(peer.bytesUp),
    bytes(peer.bytesDown),
  ])
  return columns([['NAME', 'ADDRESS', 'OS', 'STATE', 'PATH', 'UP', 'DOWN'], ...rows])
}

function stateOf({ online, expired, lastSeen }: SessionPeer, now: number): string {
  if (expired) return 'its key has expired'
  if (online) return 'online'
  const seen = lastSeen === undefined ? Number.NaN : Date.parse(lastSeen)
  // A control server that has never seen it says the year 1.
  return seen > 0 ? `seen ${timeSpan(now - seen)} ago` : 'offline'
}

/** The way to a peer: nothing is known of one to which nothing was sent lately. */
export function describePath(path: SessionPing['path'] | undefined): string {
  switch (path?.kind) {
    case 'direct':
      return path.endpoint ? `direct ${path.endpoint}` : 'direct'
    case 'relay':
      return path.relay ? `relay ${path.relay}` : 'relay'
    default:
      return '-'
  }
}
