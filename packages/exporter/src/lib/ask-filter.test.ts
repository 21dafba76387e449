import { expect, test } from 'vitest'
import { flush, ManualClock } from '../testing/manual-clock.ts'
import { askFilter } from './ask-filter.ts'
import type { Decide, ExportQuestion } from './verdict.ts'

const question: ExportQuestion = { network: 'tcp', family: 'tcp4', address: '0.0.0.0', port: 80 }

function ask(decide: (question: ExportQuestion) => unknown, clock = new ManualClock()) {
  return askFilter(decide as Decide, question, 1_000, clock)
}

test('passes an answer on, whether it comes at once or later', async () => {
  const deny = { verdict: 'deny', reason: 'no' }
  expect(await ask(() => deny)).toEqual(deny)
  expect(await ask(async () => deny)).toEqual(deny)
  expect(await ask(() => ({ verdict: 'allow' }))).toEqual({ verdict: 'allow' })
  expect(await ask(() => undefined)).toBeUndefined()
})

test('asks about the listener', async () => {
  const asked: ExportQuestion[] = []
  await ask((each) => void asked.push(each))
  expect(asked).toEqual([question])
})

test.for<[string, () => unknown, string]>([
  ['throws', () => Promise.reject(new Error('out of order')), 'the filter failed: out of order'],
  ['answers nonsense', () => 'yes', 'the filter has given no verdict'],
  ['answers null', () => null, 'the filter has given no verdict'],
  ['has no reason', () => ({ verdict: 'deny' }), 'the filter denies it'],
])('denies when the filter %s', async ([, decide, reason]) => {
  expect(await ask(decide)).toEqual({ verdict: 'deny', reason })
})

test('denies when the filter throws where it stands', async () => {
  const throwing = () => {
    throw 'no'
  }
  expect(await ask(throwing)).toEqual({ verdict: 'deny', reason: 'the filter failed: no' })
})

test('denies when the answer is late, and leaves no timer', async () => {
  const clock = new ManualClock()
  const answer = ask(() => new Promise(() => {}), clock)
  await clock.advance(999)
  expect(clock.timers).toBe(1)
  await clock.advance(1)
  expect(await answer).toEqual({
    verdict: 'deny',
    reason: 'the filter has not answered within 1000 ms',
  })
  await ask(() => undefined, clock)
  await flush()
  expect(clock.timers).toBe(0)
})
