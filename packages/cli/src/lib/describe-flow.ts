import type { FlowOpened } from '@tailproxy/sidecar'

const ROUTES = {
  tailnet: 'on the tailnet',
  exit: 'through the exit node',
  direct: 'directly, not on the tailnet',
} as const

/** One line for people: whom a flow reached, or who reached us, how, and how long that took. */
export function describeFlow(opened: FlowOpened): string {
  const { flow, direction, network, source, destination, name, peer, route, dialMs } = opened
  if (direction === 'inbound') {
    const caller = peer ? `${peer} (${source})` : source
    return `flow ${flow}: ${caller} came to ${destination}, connected in ${dialMs} ms`
  }
  const asked = name ? `${name} (${destination})` : destination
  // A datagram is sent to a peer, answered or not.
  if (network === 'udp')
    return `flow ${flow}: UDP to ${asked} ${ROUTES[route]}${peer ? `, to ${peer}` : ''}`
  const answered = peer ? `, answered by ${peer}` : ''
  return `flow ${flow}: ${asked} ${ROUTES[route]}${answered}, connected in ${dialMs} ms`
}
