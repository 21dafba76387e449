import { describePort, portText, type SessionExport } from '@tailproxy/session/host'
import { bytes } from './bytes.ts'
import { columns } from './columns.ts'

/** What people read of exports: a line each, under a head. */
export function describeExports(exports: readonly SessionExport[]): string {
  if (exports.length === 0) return 'nothing is exported\n'
  const rows = [
    ['PORT', 'TO', 'OPEN', 'ACCEPTED', 'REFUSED', 'UP', 'DOWN', 'PID'],
    ...exports.map((each) => [
      portText(each),
      each.targets.join(' '),
      String(each.connections),
      String(each.accepted),
      String(each.refused),
      bytes(each.bytesUp),
      bytes(each.bytesDown),
      each.pids.join(' ') || '-',
    ]),
  ]
  const failures = exports.flatMap((each) => {
    const last = each.network === 'udp' ? 'its last peer' : 'its last connection'
    return each.error ? `${describePort(each)}, ${last}: ${each.error.message}` : []
  })
  const losses = exports.flatMap((each) =>
    each.dropped ? `${describePort(each)}: ${each.dropped} datagrams were not carried` : [],
  )
  return columns(rows) + [...failures, ...losses].map((failure) => `${failure}\n`).join('')
}
