/** Longer ones are cut: what is quoted comes from configuration, which may be anything. */
const MOST = 80

/** `value` as it stands in a message: quoted, on one line, and bounded. */
export function quote(value: string): string {
  return JSON.stringify(value.length > MOST ? `${value.slice(0, MOST)}…` : value)
}

/** What `value` is, for the "found" half of a message. */
export function describe(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'undefined'
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
