import type { Export } from '@tailproxy/exporter'
import { DRIVER_VERSION, type Metrics, type SidecarStatus } from '@tailproxy/sidecar'
import type { ControlCounts } from './control-tally.ts'

/** What there is to count of a session; `carried` and `node` while a sidecar is there. */
export interface Counted {
  startedAt: Date
  isUp: boolean
  runs: number
  exports: readonly Export[]
  control?: ControlCounts | undefined
  carried?: Metrics | undefined
  node?: SidecarStatus | undefined
}

/** Of the text format below. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

type Labels = Readonly<Record<string, string | number>>
type Sample = readonly [labels: Labels, value: number]
type Kind = 'counter' | 'gauge'

/**
 * The counts in Prometheus's text format 0.0.4, with names by its conventions: base units, `_total`
 * for what only grows. A sidecar that is started anew counts from nought, as a process that is.
 */
export function metricsText(counted: Counted): string {
  const { startedAt, isUp, runs, exports, control, carried, node } = counted
  return [
    family('build_info', 'gauge', 'The version that runs.', [[{ version: DRIVER_VERSION }, 1]]),
    family('start_time_seconds', 'gauge', 'When the session was started, in Unix time.', [
      [{}, startedAt.getTime() / 1_000],
    ]),
    family('up', 'gauge', 'Whether the node is on the tailnet.', [[{}, Number(isUp)]]),
    family('runs', 'gauge', 'Commands that use the session.', [[{}, runs]]),
    ...exportFamilies(exports),
    ...controlFamilies(control),
    ...(node ? nodeFamilies(node) : []),
    ...(carried ? flowFamilies(carried) : []),
    ...(carried ? peerFamilies(carried.peers) : []),
  ].join('')
}

function nodeFamilies({ flows, exitNode, keyExpiry }: SidecarStatus): string[] {
  const exit: Sample[] = exitNode
    ? [
        [
          { node: exitNode.node?.name ?? exitNode.wanted.join(',') },
          Number(exitNode.state === 'up'),
        ],
      ]
    : []
  const expiry: Sample[] = keyExpiry ? [[{}, Date.parse(keyExpiry) / 1_000]] : []
  return [
    family('flows', 'gauge', 'Flows that are open.', [[{}, flows]]),
    family('exit_node_up', 'gauge', 'Whether the exit node that is set answers.', exit),
    family('key_expiry_timestamp_seconds', 'gauge', "When the node's key expires.", expiry),
  ]
}

function flowFamilies({ connectLatency, flows, bytes }: Metrics): string[] {
  const routes = Object.entries(bytes.routes)
  return [
    latency(connectLatency),
    family('flows_opened_total', 'counter', 'Flows that were opened.', [
      [{ network: 'tcp' }, flows.openedTcp],
      [{ network: 'udp' }, flows.openedUdp],
    ]),
    family('flows_closed_total', 'counter', 'Flows that have ended.', [[{}, flows.closed]]),
    family(
      'dial_failures_total',
      'counter',
      'Dials of programs that failed, by their error.',
      Object.entries(flows.failed).map(([code, count]) => [{ code }, count]),
    ),
    family(
      'flow_bytes_total',
      'counter',
      'Bytes of flows: up is from the program.',
      routes.flatMap(([route, { up, down }]): Sample[] => [
        [{ route, direction: 'up' }, up],
        [{ route, direction: 'down' }, down],
      ]),
    ),
  ]
}

function latency({ count, sumMs, buckets }: Metrics['connectLatency']): string {
  const name = 'connect_latency_seconds'
  const samples = [
    ...buckets.map(({ leMs, count: below }) => line(`${name}_bucket`, { le: leMs / 1_000 }, below)),
    line(`${name}_bucket`, { le: '+Inf' }, count),
    line(`${name}_sum`, {}, sumMs / 1_000),
    line(`${name}_count`, {}, count),
  ]
  return head(name, 'histogram', 'Time of TCP connects that succeeded.') + samples.join('')
}

function peerFamilies(peers: Metrics['peers']): string[] {
  const each = (value: (peer: Metrics['peers'][number]) => number): Sample[] =>
    peers.map((peer) => [{ peer: peer.name }, value(peer)])
  return [
    family(
      'peer_online',
      'gauge',
      'Whether a peer is online.',
      each(({ online }) => Number(online)),
    ),
    family(
      'peer_path',
      'gauge',
      'How a peer is reached: directly, by a relay, or not used lately.',
      peers.map(({ name, path: { kind, relay = '' } }) => [{ peer: name, path: kind, relay }, 1]),
    ),
    family(
      'peer_bytes_total',
      'counter',
      'Bytes of flows with a peer: up is from the program.',
      peers.flatMap(({ name, bytesUp, bytesDown }): Sample[] => [
        [{ peer: name, direction: 'up' }, bytesUp],
        [{ peer: name, direction: 'down' }, bytesDown],
      ]),
    ),
    family(
      'peer_connects_total',
      'counter',
      'Flows to a peer.',
      each(({ connects }) => connects),
    ),
    family(
      'peer_failures_total',
      'counter',
      'Dials to a peer that failed.',
      each(({ failures }) => failures),
    ),
  ]
}

/** What control sockets turned away. */
function controlFamilies(control: ControlCounts | undefined): string[] {
  if (!control) return []
  const { unexported, malformed, refused, cut, dropped } = control
  return [
    family('listeners_not_exported_total', 'counter', 'Listeners that were not exported.', [
      [{}, unexported],
    ]),
    family('control_lines_malformed_total', 'counter', 'Lines of control sockets that are none.', [
      [{}, malformed],
    ]),
    family(
      'control_connections_refused_total',
      'counter',
      'Connections to control sockets that were ended: of other users, unread, or too many.',
      [
        [{ reason: 'user' }, refused],
        [{ reason: 'unread' }, cut],
        [{ reason: 'limit' }, dropped],
      ],
    ),
  ]
}

function exportFamilies(exports: readonly Export[]): string[] {
  const each = (value: (exported: Export) => number): Sample[] =>
    exports.map((exported) => [labelsOf(exported), value(exported)])
  return [
    family(
      'export_connections',
      'gauge',
      'Connections to an export that are open.',
      each(({ connections }) => connections),
    ),
    family(
      'export_accepted_total',
      'counter',
      'Connections that were let in.',
      each(({ accepted }) => accepted),
    ),
    family(
      'export_refused_total',
      'counter',
      'Connections that were not let in.',
      each(({ refused }) => refused),
    ),
    family(
      'export_bytes_total',
      'counter',
      'Bytes of an export: up is from the program.',
      exports.flatMap((exported): Sample[] => [
        [{ ...labelsOf(exported), direction: 'up' }, exported.bytesUp],
        [{ ...labelsOf(exported), direction: 'down' }, exported.bytesDown],
      ]),
    ),
  ]
}

/** Ports of TCP and of UDP may have the same number. */
function labelsOf({ port, network }: Export): Labels {
  return { port, network }
}

/** Without a sample nothing is said of it, the name neither. */
function family(name: string, kind: Kind, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return ''
  const lines = samples.map(([labels, value]) => line(name, labels, value))
  return head(name, kind, help) + lines.join('')
}

function head(name: string, kind: Kind | 'histogram', help: string): string {
  return `# HELP tailproxy_${name} ${help}\n# TYPE tailproxy_${name} ${kind}\n`
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(String(text))}"`)
  const list = pairs.length === 0 ? '' : `{${pairs.join(',')}}`
  return `tailproxy_${name}${list} ${value}\n`
}

/** Of a label's value the format escapes these three. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
