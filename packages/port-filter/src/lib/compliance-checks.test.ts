import { expect, test } from 'vitest'
import { outboundFilter } from '../testing/questions.ts'
import { CHECKS, type FilterSetup } from './compliance-checks.ts'
import type { Filter } from './filter.ts'
import type { OutboundFlow } from './flow.ts'

/** The names of the checks that a filter does not pass. */
async function failedBy(create: () => Filter, setup: Partial<FilterSetup> = {}): Promise<string[]> {
  const failed: string[] = []
  for (const { name, run } of CHECKS) {
    await run(create(), { create, ...setup }).catch(() => failed.push(name))
  }
  return failed
}

const hooked = (outbound: unknown) => () => outboundFilter(outbound as Filter['outbound'])

test('a filter that does nothing wrong passes', async () => {
  expect(await failedBy(hooked(() => undefined))).toEqual([])
  expect(await failedBy(hooked(async () => ({ verdict: 'deny', reason: 'no' })))).toEqual([])
})

let count = 0
const bad: [string, () => Filter, RegExp][] = [
  ['misspells a hook', () => ({ ...hooked(() => {})(), inboud() {} }), /misspelt hook/],
  ['throws', hooked(() => Promise.reject(new Error('oh'))), /in time, by a verdict/],
  ['answers null', hooked(() => null), /in time, by a verdict/],
  ['never answers', hooked(() => new Promise(() => {})), /in time, by a verdict/],
  ['names a route', hooked(() => ({ verdict: 'allow', route: 'direct' })), /by a verdict/],
  ['denies without a reason', hooked(() => ({ verdict: 'deny', reason: ' ' })), /a reason/],
  [
    'writes a stack into its reason',
    hooked(() => ({ verdict: 'deny', reason: 'a\n b' })),
    /one line/,
  ],
  ['writes a book', hooked(() => ({ verdict: 'deny', reason: 'x'.repeat(257) })), /one line/],
  [
    'changes the question',
    hooked((flow: { name?: string }) => {
      flow.name = 'x'
    }),
    /leaves what it is asked about/,
  ],
  [
    'stumbles over a field that it does not know',
    hooked((flow: OutboundFlow) =>
      Object.keys(flow).includes('futureField') ? { verdict: 'deny', reason: 'new' } : undefined,
    ),
    /fields that it does not know/,
  ],
  [
    'changes its mind',
    hooked(() => (count++ % 5 === 0 ? { verdict: 'deny', reason: 'fifth' } : undefined)),
    /the same question alike/,
  ],
  [
    'hangs when the signal is aborted',
    hooked((_: unknown, { signal }: { signal: AbortSignal }) =>
      signal.aborted ? new Promise(() => {}) : undefined,
    ),
    /survives a signal/,
  ],
  [
    'does not end',
    () => ({ ...hooked(() => undefined)(), dispose: () => new Promise(() => {}) }),
    /lets go of what it holds/,
  ],
]

test.for(bad)('a filter that %s is found out', async ([, create, check]) => {
  expect(await failedBy(create, { timeout: 50 })).toContainEqual(expect.stringMatching(check))
})

test('questions of the author are asked too', async () => {
  const asked: string[] = []
  const create = hooked((flow: OutboundFlow) => {
    asked.push(flow.destination.address)
  })
  const own = { network: 'tcp', origin: 'socks', destination: { address: '192.0.2.1', port: 1 } }
  await failedBy(create, { questions: { outbound: [own as OutboundFlow] } })
  expect(asked).toContain('192.0.2.1')
})
