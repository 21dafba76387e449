/**
 * A copy of plain data in which nothing can be changed, so that no filter can lie to the next one
 * about what is asked.
 */
export function frozenCopy<T>(value: T): T
export function frozenCopy(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map((each) => frozenCopy(each)))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, each]) => [key, frozenCopy(each)])
  return Object.freeze(Object.fromEntries(entries))
}
