import { createFilterChain } from '@tailproxy/port-filter'
import { testFilter } from '@tailproxy/port-filter/compliance'
import { expect, test } from 'vitest'
import businessHours from './index.js'

const options = { timeZone: 'Europe/Berlin', hours: { 'mon-fri': '08:00-18:00' } }
/** 12:00 in Berlin. */
const MONDAY_NOON = Date.parse('2024-01-01T11:00:00Z')
const SATURDAY_NOON = Date.parse('2024-01-06T11:00:00Z')

testFilter('business-hours on a Monday', {
  create: () => businessHours(options, { now: () => MONDAY_NOON }),
})
testFilter('business-hours on a Saturday', {
  create: () => businessHours(options, { now: () => SATURDAY_NOON }),
})

/** @type {import('@tailproxy/port-filter').ExportRequest} */
const request = { network: 'tcp', family: 'tcp4', address: '0.0.0.0', port: 8000 }

test('follows the clock from question to question', async () => {
  let time = MONDAY_NOON
  const chain = createFilterChain([businessHours(options, { now: () => time })])
  expect(await chain.export(request)).toEqual({ verdict: 'allow' })
  time = SATURDAY_NOON
  expect(await chain.export(request)).toEqual({
    verdict: 'deny',
    reason: 'outside business hours: it is Sat 12:00 in Europe/Berlin',
    filter: 'business-hours',
  })
  time = MONDAY_NOON
  expect(await chain.export(request)).toEqual({ verdict: 'allow' })
})

test('denies when its clock shows no time', async () => {
  const chain = createFilterChain([businessHours(options, { now: () => Number.NaN })])
  expect(await chain.export(request)).toMatchObject({ verdict: 'deny' })
})

test('restricts only what it is told to', () => {
  const chain = createFilterChain([businessHours({ ...options, hooks: ['inbound', 'export'] })])
  expect(chain.needsAsking('outbound')).toBe(false)
  expect(chain.needsAsking('inbound')).toBe(true)
  expect(chain.needsAsking('export')).toBe(true)
  expect(createFilterChain([businessHours(options)]).needsAsking('outbound')).toBe(true)
})

test.for([
  [undefined, 'options have to be a time zone and hours'],
  [{ hours: options.hours }, 'options.timeZone is undefined'],
  [{ ...options, timeZone: 'Berlin' }, 'options.timeZone is "Berlin"'],
  [{ timeZone: 'UTC' }, 'options.hours is undefined'],
  [{ ...options, timezone: 'UTC' }, 'options.timezone is unknown'],
  [{ ...options, hooks: [] }, 'options.hooks is []'],
  [{ ...options, hooks: ['inboud'] }, 'allowed are some of outbound, inbound, export'],
])('refuses the options %j', ([wrong, message]) => {
  expect(() => businessHours(wrong)).toThrow(/** @type {string} */ (message))
})
