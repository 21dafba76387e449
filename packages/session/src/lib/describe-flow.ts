import type { FlowClosed, FlowOpened } from '@tailproxy/sidecar'

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

/** One line for people: how a flow ended, and what it had carried. */
export function describeFlowEnd(closed: FlowClosed): string {
  const { flow, bytesUp, bytesDown, durationMs, error } = closed
  const how = error ? `: ${error.message}` : ''
  return `flow ${flow}: closed after ${durationMs} ms, ${bytesUp} bytes up, ${bytesDown} down${how}`
}
