import type { FlowOpened } from '@tailproxy/sidecar'

const ROUTES = {
  tailnet: 'on the tailnet',
  exit: 'through the exit node',
  direct: 'directly, not on the tailnet',
} as const

/** One line for people: whom a flow reached, how, and how long that took. */
export function describeFlow({ flow, destination, name, peer, route, dialMs }: FlowOpened): string {
  const asked = name ? `${name} (${destination})` : destination
  const answered = peer ? `, answered by ${peer}` : ''
  return `flow ${flow}: ${asked} ${ROUTES[route]}${answered}, connected in ${dialMs} ms`
}
