import { createFilterChain } from '@tailproxy/port-filter'
import { testFilter } from '@tailproxy/port-filter/compliance'
import { loadFilter } from '@tailproxy/port-filter/load'
import { expect, test } from 'vitest'
import blockNames from './index.js'

const options = { names: ['ads.example.com'] }

/** @type {import('@tailproxy/port-filter').OutboundFlow} */
const flow = {
  network: 'tcp',
  source: { address: '127.0.0.1', port: 40000 },
  destination: { address: '192.0.2.1', port: 443 },
  name: 'ads.example.com',
  origin: 'preload',
}

// What TailProxy expects of every filter. Questions of your own are asked too.
testFilter('block-names', {
  create: () => blockNames(options),
  questions: { outbound: [flow] },
})

test('denies a name that is blocked, however it is written', async () => {
  const chain = createFilterChain([blockNames(options)])
  expect(await chain.outbound({ ...flow, name: 'Ads.Example.com' })).toEqual({
    verdict: 'deny',
    reason: 'Ads.Example.com is blocked',
    filter: 'block-names',
  })
})

test('has no opinion about other names, nor about flows without one', async () => {
  const chain = createFilterChain([blockNames(options)])
  for (const name of ['www.example.com', undefined]) {
    expect(await chain.outbound({ ...flow, name })).toEqual({ verdict: 'allow' })
  }
})

test('is loaded as a configuration names it', async () => {
  const entry = { filter: './index.js', options }
  const filter = await loadFilter(entry, { from: import.meta.dirname })
  expect(filter.name).toBe('block-names')
})

test.for([undefined, {}, { names: [] }, { names: 'ads.example.com' }, { names: [7] }])(
  'refuses the options %j',
  (wrong) => {
    expect(() => blockNames(wrong)).toThrow('options.names has to be an array')
  },
)
