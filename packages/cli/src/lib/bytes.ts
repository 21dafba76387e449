const KILO = 1000
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** A number of bytes, for people. */
export function bytes(count: number): string {
  let value = count
  let unit = 0
  while (value >= KILO && unit < UNITS.length - 1) {
    value /= KILO
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`
}
