import type { SessionExport } from '@tailproxy/session/host'
import { bytes } from './bytes.ts'
import { columns } from './columns.ts'

/** What people read of exports: a line each, under a head. */
export function describeExports(exports: readonly SessionExport[]): string {
  if (exports.length === 0) return 'nothing is exported\n'
  const rows = [
    ['PORT', 'TO', 'OPEN', 'ACCEPTED', 'REFUSED', 'UP', 'DOWN', 'PID'],
    ...exports.map((each) => [
      String(each.port),
      each.targets.join(' '),
      String(each.connections),
      String(each.accepted),
      String(each.refused),
      bytes(each.bytesUp),
      bytes(each.bytesDown),
      each.pids.join(' ') || '-',
    ]),
  ]
  const failures = exports.flatMap(({ port, error }) =>
    error ? `port ${port}, its last connection: ${error.message}` : [],
  )
  return columns(rows) + failures.map((failure) => `${failure}\n`).join('')
}
