import fc from 'fast-check'
import { expect, test } from 'vitest'
import { portRanges } from '../testing/arbitraries.ts'
import { PortSet } from './port-set.ts'

/** What a `PortSet` has to be the same as. */
function naive(ranges: readonly { from: number; to: number }[]): Set<number> {
  const ports = new Set<number>()
  for (const { from, to } of ranges) for (let port = from; port <= to; port++) ports.add(port)
  return ports
}

test('has exactly the ports of its ranges, in order, and knows how many', () => {
  fc.assert(
    fc.property(portRanges, fc.array(fc.integer({ min: -1, max: 70_000 })), (ranges, probes) => {
      const [set, wanted] = [new PortSet(ranges), naive(ranges)]
      expect([...set]).toEqual([...wanted].sort((a, b) => a - b))
      expect(set.size).toBe(wanted.size)
      for (const { from, to } of ranges) probes.push(from - 1, from, to, to + 1)
      for (const port of probes) expect(set.has(port)).toBe(wanted.has(port))
    }),
  )
})

test('keeps its ranges sorted and apart', () => {
  fc.assert(
    fc.property(portRanges, (ranges) => {
      const kept = new PortSet(ranges).ranges
      for (const [at, { from, to }] of kept.entries()) {
        expect(from).toBeLessThanOrEqual(to)
        expect(from).toBeGreaterThan((kept[at - 1]?.to ?? -1) + 1)
      }
    }),
  )
})

test('unites and intersects as sets do', () => {
  fc.assert(
    fc.property(portRanges, portRanges, (a, b) => {
      const [mine, theirs] = [new PortSet(a), new PortSet(b)]
      const [left, right] = [naive(a), naive(b)]
      expect(new Set(mine.union(theirs))).toEqual(new Set([...left, ...right]))
      const common = [...left].filter((port) => right.has(port))
      expect(new Set(mine.intersection(theirs))).toEqual(new Set(common))
    }),
  )
})

test('joins ranges that touch', () => {
  const set = new PortSet([
    { from: 81, to: 90 },
    { from: 80, to: 80 },
  ])
  expect(set.ranges).toEqual([{ from: 80, to: 90 }])
  expect(String(set)).toBe('80-90')
})

test('is written as text in JSON too', () => {
  expect(JSON.stringify({ allow: new PortSet([{ from: 80, to: 80 }]) })).toBe('{"allow":"80"}')
  expect(String(new PortSet())).toBe('none')
})

test('cannot be changed by whoever was given it', () => {
  const set = new PortSet([{ from: 80, to: 80 }])
  expect(() => (set.ranges as unknown[]).push({ from: 1, to: 65_535 })).toThrow(TypeError)
  expect(() => Object.assign(set.ranges[0] ?? {}, { to: 65_535 })).toThrow(TypeError)
})

test('has nothing that is not a whole number', () => {
  const set = new PortSet([{ from: 1, to: 65_535 }])
  for (const port of [80.5, Number.NaN, Number.POSITIVE_INFINITY, 0, 65_536]) {
    expect(set.has(port)).toBe(false)
  }
})

test.for([
  [0, 10],
  [10, 65_536],
  [90, 80],
  [1.5, 2],
  [Number.NaN, 2],
] as const)('cannot be made of %d to %d', ([from, to]) => {
  expect(() => new PortSet([{ from, to }])).toThrow(
    expect.objectContaining({ name: 'PortRangeError', code: 'ERR_PORT_FILTER_RANGE' }),
  )
})
