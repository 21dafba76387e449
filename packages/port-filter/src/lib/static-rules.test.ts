import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { portRanges } from '../testing/arbitraries.ts'
import { exportRequest, inboundFlow, outboundFilter } from '../testing/questions.ts'
import type { Filter, StaticRules } from './filter.ts'
import { createFilterChain } from './filter-chain.ts'
import { createPortFilter } from './port-filter.ts'
import { PortSet } from './port-set.ts'

const fallback = { verdict: 'deny', reason: 'nothing allows it' } as const
const silent = () => undefined

function filter(rules: StaticRules, name = 'mine'): Filter {
  return { name, static: rules }
}

function inboundChain(...lists: StaticRules['inbound'][]) {
  return createFilterChain(lists.map((inbound, at) => filter({ inbound }, `${at + 1}`)))
}

describe('the static rules of a chain', () => {
  test('are those of its one filter', () => {
    const chain = inboundChain({ users: ['ann'], tags: ['tag:web'] })
    expect(chain.staticRules()).toEqual({ inbound: { users: ['ann'], tags: ['tag:web'] } })
    expect(chain.needsAsking('inbound')).toBe(false)
  })

  test('let in whom each filter lets in, not whom any does', () => {
    const chain = inboundChain({ users: ['ann', 'bob'] }, { users: ['bob', 'cy'] })
    expect(chain.staticRules().inbound).toEqual({ users: ['bob'], tags: [] })
    expect(chain.needsAsking('inbound')).toBe(false)
  })

  test('leave to the chain what no list can say', async () => {
    const chain = inboundChain({ users: ['ann@example.com'] }, { tags: ['tag:web'] })
    expect(chain.staticRules().inbound).toBeUndefined()
    expect(chain.needsAsking('inbound')).toBe(true)
    const both = { name: 'x', user: 'ann@example.com', tags: ['tag:web'] }
    expect(await chain.inbound({ ...inboundFlow, peer: both })).toEqual({ verdict: 'allow' })
    expect(await chain.inbound(inboundFlow)).toMatchObject({ verdict: 'deny', filter: '2' })
  })

  test.for([
    ['no users in common', [{ users: ['ann'] }, { users: ['bob'] }]],
    ['a list that is empty', [{ users: [], tags: [] }]],
    ['a list that is left out', [{}]],
  ] as const)('never make everybody of nobody: %s', async ([, lists]) => {
    const chain = inboundChain(...lists)
    expect(chain.staticRules().inbound).toBeUndefined()
    expect(chain.needsAsking('inbound')).toBe(true)
    for (const peer of [inboundFlow.peer, undefined]) {
      expect(await chain.inbound({ ...inboundFlow, peer })).toMatchObject({ verdict: 'deny' })
    }
  })

  test('allow the ports that each filter allows, and deny those that any denies', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.option(portRanges), fc.option(portRanges)), { maxLength: 3 }),
        fc.integer({ min: 1, max: 65_535 }),
        async (lists, port) => {
          const chain = createFilterChain(
            lists.map(([allow, deny]) =>
              createPortFilter({
                allow: allow ? new PortSet(allow) : undefined,
                deny: deny ? new PortSet(deny) : undefined,
              }),
            ),
          )
          const { allow, deny } = chain.staticRules().exports ?? {}
          const passes = (allow?.has(port) ?? true) && !deny?.has(port)
          const { verdict } = await chain.export({ ...exportRequest, port })
          expect(verdict).toBe(passes ? 'allow' : 'deny')
        },
      ),
    )
  })
})

describe('a chain needs asking', () => {
  const every = (chain: ReturnType<typeof createFilterChain>) =>
    (['outbound', 'inbound', 'export'] as const).filter((hook) => chain.needsAsking(hook))

  test('about nothing when there is no filter', () => {
    expect(every(createFilterChain([]))).toEqual([])
  })

  test('about what a filter has a hook for', () => {
    expect(every(createFilterChain([outboundFilter(silent)]))).toEqual(['outbound'])
    const mixed = { ...filter({ inbound: { users: ['ann'] } }), inbound: silent, export: silent }
    expect(every(createFilterChain([mixed]))).toEqual(['inbound', 'export'])
  })

  test('about nothing that static rules say', () => {
    const rules = { inbound: { tags: ['tag:web'] }, exports: { allow: '80' } }
    expect(every(createFilterChain([filter(rules)]))).toEqual([])
  })

  test('about all that no list of who or what may pass covers, when silence denies', () => {
    expect(every(createFilterChain([], { fallback }))).toEqual(['outbound', 'inbound', 'export'])
    const rules = { inbound: { tags: ['tag:web'] }, exports: { allow: '80' } }
    expect(every(createFilterChain([filter(rules)], { fallback }))).toEqual(['outbound'])
    const denyOnly = createPortFilter({ deny: '22' })
    expect(createFilterChain([denyOnly], { fallback }).needsAsking('export')).toBe(true)
  })

  test('about what it has never heard of', () => {
    expect(createFilterChain([]).needsAsking('forward' as never)).toBe(true)
  })
})
