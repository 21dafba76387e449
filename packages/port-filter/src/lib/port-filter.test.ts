import fc from 'fast-check'
import { expect, test } from 'vitest'
import { portRanges } from '../testing/arbitraries.ts'
import { createPortFilter } from './port-filter.ts'
import { PortSet } from './port-set.ts'

const deny = (reason: string) => ({ verdict: 'deny', reason })

test('denies a port that is on both lists', () => {
  const filter = createPortFilter({ allow: ['8000-8100'], deny: ['8080'] })
  expect(filter.decide({ port: 8080 })).toEqual(deny('port 8080 is on the deny list'))
  expect(filter.decide({ port: 8081 })).toEqual({ verdict: 'allow' })
})

test('denies a port that is not on the allow list', () => {
  const filter = createPortFilter({ allow: 'http' })
  expect(filter.decide({ port: 8080 })).toEqual(deny('port 8080 is not on the allow list'))
})

test('has no opinion about a port when there is a deny list only, or none', () => {
  expect(createPortFilter({ deny: '22' }).decide({ port: 80 })).toBeUndefined()
  expect(createPortFilter().decide({ port: 80 })).toBeUndefined()
})

test('lets nothing pass by an allow list that is there and empty', () => {
  for (const allow of [[], 'none', new PortSet()]) {
    expect(createPortFilter({ allow }).decide({ port: 80 })).toMatchObject({ verdict: 'deny' })
  }
})

test('takes an empty string, or null, for a mistake rather than for every port', () => {
  for (const allow of ['', ' ', null]) {
    expect(() => createPortFilter({ allow: allow as string })).toThrow(
      expect.objectContaining({ code: 'ERR_PORT_FILTER_SPEC' }),
    )
  }
})

test('denies what is denied or not allowed, whatever the lists', () => {
  fc.assert(
    fc.property(portRanges, portRanges, fc.integer({ min: 1, max: 65_535 }), (a, d, port) => {
      const [allow, denied] = [new PortSet(a), new PortSet(d)]
      const decision = createPortFilter({ allow, deny: denied }).decide({ port })
      const passes = allow.has(port) && !denied.has(port)
      expect(decision?.verdict).toBe(passes ? 'allow' : 'deny')
    }),
  )
})

test('is static and has the name it is given', () => {
  const services = () => 9000
  const filter = createPortFilter({ allow: 'mine', name: 'exports of mine', services })
  expect(filter.name).toBe('exports of mine')
  expect(String(filter.static?.exports?.allow)).toBe('9000')
})
