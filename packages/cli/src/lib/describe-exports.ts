import type { SessionExport } from '@tailproxy/session/host'

const KILO = 1000

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
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? []
  const lines = rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const failures = exports.flatMap(({ port, error }) =>
    error ? `port ${port}, its last connection: ${error.message}` : [],
  )
  return `${[...lines, ...failures].join('\n')}\n`
}

export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = count
  let unit = 0
  while (value >= KILO && unit < units.length - 1) {
    value /= KILO
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
