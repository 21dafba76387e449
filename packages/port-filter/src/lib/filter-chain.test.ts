import { getEventListeners } from 'node:events'
import { beforeEach, expect, test, vi } from 'vitest'
import { exportRequest, inboundFlow, outboundFilter, outboundFlow } from '../testing/questions.ts'
import type { Answer, Filter, FilterContext } from './filter.ts'
import { createFilterChain } from './filter-chain.ts'
import { createPortFilter } from './port-filter.ts'

const ALLOW = { verdict: 'allow' } as const
const no = (reason: string) => ({ verdict: 'deny', reason }) as const
const never = () => new Promise<undefined>(() => {})

beforeEach(() => {
  vi.useFakeTimers()
  return () => vi.useRealTimers()
})

/** A chain of filters that answer so, and the names of those that were asked. */
function chainOf(...answers: Answer[]) {
  const asked: string[] = []
  const filters = answers.map((answer, at) =>
    outboundFilter(
      () => {
        asked.push(`${at + 1}`)
        return answer
      },
      `${at + 1}`,
    ),
  )
  return { chain: createFilterChain(filters), asked }
}

test('allows what no filter has an opinion about', async () => {
  expect(await createFilterChain([]).outbound(outboundFlow)).toEqual(ALLOW)
  expect(await chainOf(undefined, undefined).chain.outbound(outboundFlow)).toEqual(ALLOW)
})

test('takes the first denial for final and asks nobody after it', async () => {
  const { chain, asked } = chainOf(undefined, no('no mail'), no('not today'))
  expect(await chain.outbound(outboundFlow)).toEqual({ ...no('no mail'), filter: '2' })
  expect(asked).toEqual(['1', '2'])
})

test('does not let an allow keep a later filter from denying', async () => {
  const { chain } = chainOf(ALLOW, Promise.resolve(no('not today')))
  expect(await chain.outbound(outboundFlow)).toEqual({ ...no('not today'), filter: '2' })
})

test('falls back to a denial only where no filter allows', async () => {
  const fallback = no('nothing allows it')
  const undecided = createFilterChain([outboundFilter(() => undefined)], { fallback })
  expect(await undecided.outbound(outboundFlow)).toEqual(fallback)
  const allowed = createFilterChain(
    [outboundFilter(() => ALLOW), outboundFilter(() => undefined)],
    {
      fallback,
    },
  )
  expect(await allowed.outbound(outboundFlow)).toEqual(ALLOW)
})

const bad: [string, () => unknown, string][] = [
  [
    'throws',
    () => {
      throw new Error('password is swordfish')
    },
    'filter "mine" threw',
  ],
  ['rejects', () => Promise.reject(new Error('swordfish')), 'filter "mine" threw'],
  ['throws undefined', () => Promise.reject(), 'filter "mine" threw'],
  ['answers true', () => true, 'filter "mine" answered true, which is no verdict'],
  ['answers null', async () => null, 'filter "mine" answered null, which is no verdict'],
  ['names a route', () => ({ ...ALLOW, route: 'direct' }), 'a field "route", which no verdict has'],
  ['has no reason', () => ({ verdict: 'deny' }), 'filter "mine" denied without a reason'],
]

test.for(bad)('denies when a filter %s, and leaks nothing of it', async ([, hook, reason]) => {
  const failures: unknown[] = []
  const chain = createFilterChain([outboundFilter(hook as Filter['outbound'])], {
    onFailure: (error) => failures.push(error),
  })
  const verdict = await chain.outbound(outboundFlow)
  expect(verdict).toEqual({ ...no(expect.stringContaining(reason) as string), filter: 'mine' })
  expect(JSON.stringify(verdict)).not.toMatch(/swordfish|\bat \//)
  expect(failures).toEqual([expect.objectContaining({ code: 'ERR_PORT_FILTER_FAILED' })])
})

test('keeps what a filter threw as the cause of what it reports', async () => {
  const thrown = new Error('directory is down')
  const onFailure = vi.fn()
  const chain = createFilterChain([outboundFilter(() => Promise.reject(thrown))], { onFailure })
  await chain.outbound(outboundFlow)
  expect(onFailure.mock.calls).toEqual([[expect.objectContaining({ cause: thrown })]])
})

test('denies for a filter that is late, and aborts its signal', async () => {
  let context: FilterContext | undefined
  const onFailure = vi.fn()
  const late = outboundFilter((_, given) => {
    context = given
    return never()
  })
  const chain = createFilterChain([late], { timeout: 250, onFailure })
  const verdict = chain.outbound(outboundFlow)
  await vi.advanceTimersByTimeAsync(249)
  expect(context?.signal.aborted).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  const reason = 'filter "mine" did not answer in time (250 ms)'
  expect(await verdict).toEqual({ ...no(reason), filter: 'mine' })
  expect(context?.signal.reason).toMatchObject({ code: 'ERR_PORT_FILTER_TIMEOUT' })
  expect(onFailure).toHaveBeenCalledTimes(1)
})

test('says of a filter that throws when its time is over that it was late', async () => {
  const obedient = outboundFilter(
    (_, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('gave up')))
      }),
  )
  const verdict = createFilterChain([obedient]).outbound(outboundFlow)
  await vi.advanceTimersByTimeAsync(1000)
  expect(await verdict).toMatchObject({ reason: expect.stringContaining('in time (1000 ms)') })
})

test('gives all filters together the time of one question, and names the one that ran out', async () => {
  const slow = (name: string) =>
    outboundFilter(() => new Promise((resolve) => setTimeout(() => resolve(undefined), 600)), name)
  const verdict = createFilterChain([slow('a'), slow('b')]).outbound(outboundFlow)
  await vi.advanceTimersByTimeAsync(1000)
  expect(await verdict).toMatchObject({ verdict: 'deny', filter: 'b' })
})

test('asks a filter nothing more when the caller has given up, and rejects with its reason', async () => {
  const controller = new AbortController()
  const { chain, asked } = chainOf(never(), undefined)
  const verdict = chain.outbound(outboundFlow, { signal: controller.signal })
  controller.abort(new Error('the client is gone'))
  await expect(verdict).rejects.toThrow('the client is gone')
  await expect(chain.outbound(outboundFlow, controller)).rejects.toThrow('the client is gone')
  expect(asked).toEqual(['1'])
})

test('leaves no timer and no listener behind', async () => {
  const { signal } = new AbortController()
  await chainOf(Promise.resolve(ALLOW)).chain.outbound(outboundFlow, { signal })
  await chainOf(no('no')).chain.outbound(outboundFlow, { signal })
  expect(vi.getTimerCount()).toBe(0)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('asks each hook for its own kind of question', async () => {
  const filter = {
    name: 'mine',
    outbound: vi.fn(() => undefined),
    inbound: vi.fn(() => undefined),
    export: vi.fn(() => undefined),
  }
  const chain = createFilterChain([filter])
  await chain.outbound(outboundFlow)
  await chain.inbound(inboundFlow)
  await chain.export(exportRequest)
  const context = { signal: expect.any(AbortSignal) }
  expect(filter.outbound.mock.calls).toEqual([[outboundFlow, context]])
  expect(filter.inbound.mock.calls).toEqual([[inboundFlow, context]])
  expect(filter.export.mock.calls).toEqual([[exportRequest, context]])
})

test('keeps a filter from changing what the next one is asked', async () => {
  const liar = outboundFilter((flow) => {
    Object.assign(flow.destination, { port: 80 })
    return ALLOW
  }, 'liar')
  const chain = createFilterChain([liar, outboundFilter(() => ALLOW)])
  expect(await chain.outbound(outboundFlow)).toMatchObject({ verdict: 'deny', filter: 'liar' })
  expect(outboundFlow.destination.port).toBe(443)
})

test('keeps the hooks and rules that a filter had when the chain was made', async () => {
  const users = ['ann@example.com']
  const filter: Filter = {
    name: 'mine',
    static: { inbound: { users } },
    outbound: () => no('closed'),
  }
  const chain = createFilterChain([filter])
  users.push('eve@example.com')
  delete filter.outbound
  expect(await chain.outbound(outboundFlow)).toMatchObject({ reason: 'closed' })
  expect(chain.staticRules().inbound?.users).toEqual(['ann@example.com'])
})

test('calls hooks as methods of their filter', async () => {
  class Counting {
    readonly name = 'counting'
    #count = 0
    outbound() {
      this.#count += 1
      return this.#count > 1 ? no('once is enough') : undefined
    }
  }
  const chain = createFilterChain([new Counting()])
  expect(await chain.outbound(outboundFlow)).toEqual(ALLOW)
  expect(await chain.outbound(outboundFlow)).toMatchObject({ reason: 'once is enough' })
})

test('looks at the ports of static rules before it asks the hook', async () => {
  const asked = vi.fn(() => undefined)
  const filter: Filter = { ...createPortFilter({ allow: '3000' }), export: asked }
  const chain = createFilterChain([filter])
  const reason = 'port 8000 is not on the allow list'
  expect(await chain.export(exportRequest)).toEqual({ ...no(reason), filter: 'ports' })
  expect(asked).not.toHaveBeenCalled()
  expect(await chain.export({ ...exportRequest, port: 3000 })).toEqual(ALLOW)
})

test('cannot be made of what is no filter, nor with options that it cannot have', () => {
  expect(() => createFilterChain([{ name: 'empty' }])).toThrow(
    expect.objectContaining({ code: 'ERR_PORT_FILTER_SHAPE' }),
  )
  for (const timeout of [0, 1.5, Number.POSITIVE_INFINITY, 2 ** 31]) {
    expect(() => createFilterChain([], { timeout })).toThrow(
      expect.objectContaining({ code: 'ERR_PORT_FILTER_OPTIONS' }),
    )
  }
  expect(() => createFilterChain([], { fallback: 'deny' as never })).toThrow(
    expect.objectContaining({ code: 'ERR_PORT_FILTER_OPTIONS' }),
  )
})

test('disposes of its filters once, the last one first, whatever they throw', async () => {
  const order: string[] = []
  const onFailure = vi.fn()
  const filter = (name: string, dispose: () => void | Promise<void>): Filter => ({
    ...outboundFilter(() => undefined, name),
    dispose() {
      order.push(name)
      return dispose()
    },
  })
  const chain = createFilterChain(
    [
      filter('a', () => {}),
      filter('b', () => Promise.reject(new Error('stuck'))),
      filter('c', () => new Promise<void>(() => {})),
    ],
    { onFailure },
  )
  const disposed = Promise.all([chain.dispose(), chain.dispose()])
  await vi.advanceTimersByTimeAsync(1000)
  await disposed
  expect(order).toEqual(['c', 'b', 'a'])
  expect(onFailure.mock.calls.map(([error]) => error.code)).toEqual([
    'ERR_PORT_FILTER_TIMEOUT',
    'ERR_PORT_FILTER_FAILED',
  ])
})
