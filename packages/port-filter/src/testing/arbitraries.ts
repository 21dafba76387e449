import fc from 'fast-check'

const edge = fc.constantFrom(1, 2, 79, 80, 81, 65_534, 65_535)
const port = fc.oneof(fc.integer({ min: 1, max: 65_535 }), edge)

const portRange = fc
  .tuple(port, fc.integer({ min: 0, max: 300 }))
  .map(([from, more]) => ({ from, to: Math.min(from + more, 65_535) }))

/** Ranges in any order that overlap, touch and repeat. */
export const portRanges = fc.array(portRange, { maxLength: 8 })
