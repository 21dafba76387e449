import type { Endpoint, FilterChain, PeerIdentity } from '@tailproxy/port-filter'
import type { Ask, InboundAsk, OutboundAsk, Verdict } from '@tailproxy/sidecar'

/** Puts the sidecar's question about a flow to the filters. */
export async function decideFlow(filters: FilterChain, ask: Ask): Promise<Verdict> {
  const verdict =
    ask.direction === 'inbound'
      ? await filters.inbound(inboundFlow(ask))
      : await filters.outbound(outboundFlow(ask))
  if (verdict.verdict === 'allow') return { allow: true }
  const by = verdict.filter ? `${verdict.filter}: ` : ''
  return { allow: false, reason: `${by}${verdict.reason}` }
}

function outboundFlow(ask: OutboundAsk) {
  const { origin, network, name, peer, run, pid } = ask
  const ends = { source: endpoint(ask.source), destination: endpoint(ask.destination) }
  return { origin, network, ...ends, name, peer, run, pid }
}

function inboundFlow(ask: InboundAsk) {
  const { network, run } = ask
  const ends = { source: endpoint(ask.source), destination: endpoint(ask.destination) }
  return { network, ...ends, export: ask.export, peer: identity(ask), run }
}

/** Who has no name on the tailnet is nobody. */
function identity({ peer, user, tags = [] }: InboundAsk): PeerIdentity | undefined {
  return peer === undefined ? undefined : { name: peer, user, tags }
}

/** `127.0.0.1:80` or `[::1]:80`, as docs/sidecar-channel.md has them. */
function endpoint(text: string): Endpoint {
  const { hostname, port } = new URL(`socks5h://${text}`)
  return { address: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }
}
