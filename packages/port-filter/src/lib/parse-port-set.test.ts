import fc from 'fast-check'
import { expect, test } from 'vitest'
import { portRanges } from '../testing/arbitraries.ts'
import { PortSpecError } from './errors.ts'
import { type PortSpec, parsePortSet } from './parse-port-set.ts'
import { PortSet } from './port-set.ts'

function problemOf(spec: PortSpec): PortSpecError {
  try {
    parsePortSet(spec)
  } catch (error) {
    if (error instanceof PortSpecError) return error
    throw error
  }
  throw new Error(`${JSON.stringify(spec)} was read`)
}

test.for([
  ['3000,8080,10000-10100', '3000,8080,10000-10100'],
  ['http,ssh', '22,80'],
  ['HTTP , 443', '80,443'],
  ['  8000-8100,8050-8200 ', '8000-8200'],
  ['80-80', '80'],
  ['1-65535', '1-65535'],
  ['none', 'none'],
] as const)('reads %s as %s', ([spec, read]) => {
  expect(String(parsePortSet(spec))).toBe(read)
})

test('reads a number, an array of both, and a set that is there already', () => {
  expect(String(parsePortSet(8080))).toBe('8080')
  expect(String(parsePortSet([3000, '8080,ssh', '9000-9001']))).toBe('22,3000,8080,9000-9001')
  expect(String(parsePortSet(new PortSet([{ from: 1, to: 2 }])))).toBe('1-2')
})

test('reads no port out of an empty array, rather than every port', () => {
  expect(parsePortSet([]).size).toBe(0)
})

test('reads back what a set says of itself', () => {
  fc.assert(
    fc.property(portRanges, (ranges) => {
      const set = new PortSet(ranges)
      expect(parsePortSet(String(set)).ranges).toEqual(set.ranges)
    }),
  )
})

test('throws nothing but its own error, whatever it is given', () => {
  const pieces = fc.constantFrom('80', '-', ',', 'http', ' ', '0', '65536', '\0', 'ä', 'none')
  const specs = fc.oneof(
    fc.string(),
    fc.array(pieces).map((parts) => parts.join('')),
  )
  const anything = fc.oneof(specs, fc.anything(), fc.array(fc.anything()))
  fc.assert(
    fc.property(anything, (spec) => {
      try {
        expect(parsePortSet(spec as PortSpec)).toBeInstanceOf(PortSet)
      } catch (error) {
        expect(String(error)).toMatch(/^PortSpecError: /)
      }
    }),
    { numRuns: 1000 },
  )
})

test.for([
  ['3000,80a', '80a', '"80a" in "3000,80a" is neither a port (1 to 65535), a range as 8000-8100'],
  ['80a', '80a', 'port spec: "80a" is neither a port'],
  ['0', '0', '"0" is not a port; allowed are 1 to 65535'],
  ['22,65536', '65536', '"65536" in "22,65536" is not a port'],
  ['080', '080', 'without leading zeros'],
  ['99999999999999999999', '99999999999999999999', 'is not a port'],
  ['9000-8000', '9000-8000', 'is a reversed range; write "8000-9000"'],
  ['0-100', '0-100', 'has "0" for a port'],
  ['100-70000', '100-70000', 'has "70000" for a port'],
  ['80,,90', '', '"" in "80,,90" is an empty part'],
  ['80,', '', 'is an empty part'],
  ['8000 - 8100', '8000 - 8100', 'is neither a port'],
  ['80 90', '80 90', 'is neither a port'],
  ['-1', '-1', 'is neither a port'],
  ['8000-', '8000-', 'is neither a port'],
  ['80;81', '80;81', 'is neither a port'],
  ['80,none', 'none', 'is neither a port'],
  ['1.5', '1.5', 'is neither a port'],
] as const)('refuses %j and names the part', ([spec, part, message]) => {
  expect(problemOf(spec)).toMatchObject({ code: 'ERR_PORT_FILTER_SPEC', part })
  expect(problemOf(spec).message).toContain(message)
})

test.for(['', ' ', '\n'])('refuses %j, which may have been meant as no list at all', (spec) => {
  expect(problemOf(spec).message).toContain('leave the list out')
})

test.for([
  ['htpp', 'http'],
  ['postgressql', 'postgresql'],
  ['Redsi', 'redis'],
] as const)('takes %s for a slip of %s', ([spec, meant]) => {
  expect(problemOf(spec).message).toContain(`did you mean "${meant}"?`)
})

test.for([null, undefined, {}, [null], [[80]], true, { ranges: 80 }, { ranges: [null] }] as const)(
  'refuses %j, which is no text, with its own error',
  (spec) => {
    expect(problemOf(spec as unknown as PortSpec).code).toBe('ERR_PORT_FILTER_SPEC')
  },
)

test('quotes no more of a spec than a line holds', () => {
  expect(problemOf('x'.repeat(100_000)).message.length).toBeLessThan(400)
})

test('asks the given services first and falls back to its own names', () => {
  const services = (name: string) => ({ http: 8000, mine: 9000 })[name]
  expect(String(parsePortSet('http,mine,ssh', { services }))).toBe('22,8000,9000')
})

test('does not believe a service that is no port', () => {
  expect(() => parsePortSet('mine', { services: () => 70_000 })).toThrow(
    expect.objectContaining({ code: 'ERR_PORT_FILTER_SPEC', part: 'mine' }),
  )
})
