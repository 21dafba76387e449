import type { SessionFlows, SessionStatus } from '@tailproxy/session/host'
import { bytes } from './bytes.ts'
import { columns } from './columns.ts'
import { describeExports } from './describe-exports.ts'
import { timeSpan } from './time-span.ts'

type Sidecar = NonNullable<SessionStatus['sidecar']>

/** What people read of a session: what there is to say, a line each, and tables of what it carries. */
export function describeStatus(
  found: SessionStatus,
  flows: SessionFlows | undefined,
  now: number = Date.now(),
): string {
  const { exports, sidecar } = found
  const lines = [
    ...sessionLines(found, now),
    ...(sidecar ? nodeLines(sidecar, now) : []),
    ...runLines(found, now),
    ['exports', String(exports.length)],
    ...controlSocketLines(found),
    ...(sidecar ? [['flows', describeFlows(sidecar)]] : []),
    ['idle', describeIdle(found, now)],
    ...placeLines(found),
  ]
  const tables = [
    ...(exports.length > 0 ? [describeExports(exports)] : []),
    ...(flows && flows.flows.length > 0 ? [flowTable(flows)] : []),
  ]
  return [columns(lines), ...tables].join('\n')
}

function sessionLines(
  { state, detail, url, since, pid, version, profile }: SessionStatus,
  now: number,
) {
  const age = timeSpan(now - Date.parse(since))
  return [
    [
      'session',
      `${state}${detail ? ` (${detail})` : ''}, for ${age}; process ${pid}, TailProxy ${version}`,
    ],
    ...(url ? [['log in', `open ${url}`]] : []),
    ...(profile ? [['profile', profile]] : []),
  ]
}

function nodeLines({ node, keyExpiry, exitNode, peers, relay, health }: Sidecar, now: number) {
  return [
    ['node', node ? `${node.name}, ${node.addresses.join(', ')}` : 'none'],
    ...(node?.tailnet ? [['tailnet', [node.tailnet, node.user].filter(Boolean).join(', ')]] : []),
    ...(keyExpiry === undefined ? [] : [['key', describeExpiry(keyExpiry, now)]]),
    ['exit node', describeExitNode(exitNode)],
    ['peers', relay ? `${peers}; this node's relay is ${relay}` : String(peers)],
    ...health.map((warning) => ['health', warning]),
  ]
}

function describeExpiry(expiry: string, now: number): string {
  const left = Date.parse(expiry) - now
  return left > 0
    ? `expires in ${timeSpan(left)}`
    : `expired ${timeSpan(-left)} ago; tailproxy login logs in again`
}

function describeExitNode(exitNode: Sidecar['exitNode']): string {
  if (!exitNode) return 'none'
  const { state, node, reason, wanted, lanAccess } = exitNode
  const name = node?.name ?? wanted.join(', ')
  const lan = lanAccess ? '; the local network goes past it' : ''
  return `${name}, ${state}${reason ? ` (${reason})` : ''}${lan}`
}

function runLines({ runs, sidecar }: SessionStatus, now: number): string[][] {
  if (runs.length === 0) return [['runs', 'none']]
  return runs.map(({ run, command, pid, since, lingering }, at) => {
    const carried = sidecar?.runs.find((each) => each.run === run)
    const parts = [
      lingering ? 'has ended, its children have not' : `process ${pid}`,
      timeSpan(now - Date.parse(since)),
      ...(carried
        ? [`${carried.flows} flow${carried.flows === 1 ? '' : 's'}, ${upDown(carried)}`]
        : []),
    ]
    return [at === 0 ? 'runs' : '', `${command.join(' ')} (${parts.join('; ')})`]
  })
}

/** What came to nothing of what programs told; most sessions have nothing to say of it. */
function controlSocketLines({ controlSocket }: SessionStatus): string[][] {
  if (!controlSocket?.last) return []
  const { unexported, malformed, refused, cut, dropped, last } = controlSocket
  const counts = [
    [unexported, 'not exported'],
    [malformed, 'wrong lines'],
    [refused + cut + dropped, 'connections refused'],
  ] as const
  const said = counts.flatMap(([count, what]) => (count > 0 ? `${count} ${what}` : []))
  return [['', `${said.join(', ')}; the last: ${last}`]]
}

function describeFlows({ flows, opened, ...carried }: Sidecar): string {
  return `${flows} open of ${opened}; ${upDown(carried)}`
}

function upDown({ bytesUp, bytesDown }: { bytesUp: number; bytesDown: number }): string {
  return `${bytes(bytesUp)} up, ${bytes(bytesDown)} down`
}

/** What it does when nobody uses it. */
function describeIdle({ pinned, idleAt, idleTimeout }: SessionStatus, now: number): string {
  if (pinned) return 'stays until tailproxy down'
  if (idleAt !== undefined)
    return `leaves in ${timeSpan(Date.parse(idleAt) - now)}, if nobody comes`
  if (idleTimeout === 0) return 'stays as long as its process'
  return `in use; leaves ${timeSpan(idleTimeout)} after the last use`
}

function placeLines({ controlUrl, stateDirectory, log, metrics }: SessionStatus): string[][] {
  return [
    ['control', controlUrl ?? "Tailscale's"],
    ['state', stateDirectory],
    ...(log ? [['log', log]] : []),
    ...(metrics ? [['metrics', `http://${metrics}/metrics`]] : []),
  ]
}

function flowTable({ flows, total }: SessionFlows): string {
  const rows = flows.map((flow) => [
    flow.direction === 'inbound' ? `${flow.peer ?? flow.source} (in)` : nameOf(flow),
    `${flow.network} ${flow.destination}`,
    flow.route,
    bytes(flow.bytesUp),
    bytes(flow.bytesDown),
    timeSpan(flow.ageMs),
  ])
  const table = columns([['FLOW', 'DESTINATION', 'ROUTE', 'UP', 'DOWN', 'FOR'], ...rows])
  const others = total - flows.length
  return others > 0 ? `${table}and ${others} more\n` : table
}

function nameOf({ name, peer }: SessionFlows['flows'][number]): string {
  return name ?? peer ?? '-'
}
