import type { FlowOpened } from '@tailproxy/sidecar'

const ROUTES = {
  tailnet: 'on the tailnet',
  exit: 'through the exit node',
  direct: 'directly, not on the tailnet',
} as const

/** One line for people: whom a flow reached, how, and how long that took. */
export function describeFlow(opened: FlowOpened): string {
  const { flow, network, destination, name, peer, route, dialMs } = opened
  const asked = name ? `${name} (${destination})` : destination
  // A datagram is sent to a peer, answered or not.
  if (network === 'udp')
    return `flow ${flow}: UDP to ${asked} ${ROUTES[route]}${peer ? `, to ${peer}` : ''}`
  const answered = peer ? `, answered by ${peer}` : ''
  return `flow ${flow}: ${asked} ${ROUTES[route]}${answered}, connected in ${dialMs} ms`
}
