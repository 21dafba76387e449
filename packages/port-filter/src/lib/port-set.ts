import { PortRangeError } from './errors.ts'

export const LOWEST_PORT = 1
export const HIGHEST_PORT = 65_535

/** Both ends belong to it. */
export interface PortRange {
  readonly from: number
  readonly to: number
}

/** A set of ports, 1 to 65535, that never changes. */
export class PortSet implements Iterable<number> {
  /** Sorted; they neither overlap nor touch. */
  readonly ranges: readonly PortRange[]
  /** How many ports. */
  readonly size: number

  /**
   * @param ranges in any order; they may overlap
   * @throws {PortRangeError} when one is reversed, or an end is not a port
   */
  constructor(ranges: Iterable<PortRange> = []) {
    this.ranges = Object.freeze(joined([...ranges].map(checked)))
    this.size = this.ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0)
  }

  has(port: number): boolean {
    if (!Number.isInteger(port)) return false
    let low = 0
    let high = this.ranges.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const range = this.ranges[middle]
      if (!range) return false
      if (port < range.from) high = middle - 1
      else if (port > range.to) low = middle + 1
      else return true
    }
    return false
  }

  /** The ports that are in either. */
  union(other: PortSet): PortSet {
    return new PortSet([...this.ranges, ...other.ranges])
  }

  /** The ports that are in both. */
  intersection(other: PortSet): PortSet {
    return new PortSet(
      this.ranges.flatMap((mine) =>
        other.ranges
          .map((theirs) => ({
            from: Math.max(mine.from, theirs.from),
            to: Math.min(mine.to, theirs.to),
          }))
          .filter(({ from, to }) => from <= to),
      ),
    )
  }

  /** Every port, from the lowest to the highest. */
  *[Symbol.iterator](): IterableIterator<number> {
    for (const { from, to } of this.ranges) {
      for (let port = from; port <= to; port++) yield port
    }
  }

  /** As `parsePortSet` reads it, for instance `3000,8000-8100`; the empty set is `none`. */
  toString(): string {
    if (this.ranges.length === 0) return 'none'
    return this.ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(',')
  }

  toJSON(): string {
    return this.toString()
  }
}

export function isPort(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= LOWEST_PORT && Number(value) <= HIGHEST_PORT
}

export function isPortRange(value: unknown): value is PortRange {
  if (typeof value !== 'object' || value === null) return false
  const { from, to } = value as Partial<PortRange>
  return isPort(from) && isPort(to) && from <= to
}

function checked(range: PortRange): PortRange {
  const { from, to } = range
  if (!isPortRange(range)) throw new PortRangeError(from, to)
  return Object.freeze({ from, to })
}

function joined(ranges: readonly PortRange[]): PortRange[] {
  const result: PortRange[] = []
  for (const range of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last && range.from <= last.to + 1) {
      result[result.length - 1] = Object.freeze({
        from: last.from,
        to: Math.max(last.to, range.to),
      })
    } else result.push(range)
  }
  return result
}
