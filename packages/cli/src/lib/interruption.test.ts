import process from 'node:process'
import { expect, test } from 'vitest'
import { aborted, InterruptedError, interruptible } from './interruption.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

test.for(SIGNALS)('aborts the work on %s, with the name of the signal', async (name) => {
  const reason = await interruptible((signal) => {
    process.emit(name)
    return aborted(signal)
  })
  expect(reason).toBeInstanceOf(InterruptedError)
  expect(reason).toMatchObject({ signalName: name })
})

test('passes on what the work resolves to or throws', async () => {
  expect(await interruptible(async () => 7)).toBe(7)
  const error = new Error('oops')
  await expect(interruptible(() => Promise.reject(error))).rejects.toBe(error)
})

test('leaves the signals as they were', async () => {
  const before = SIGNALS.map((name) => process.listenerCount(name))
  await interruptible(async () => {})
  await interruptible(() => Promise.reject(new Error('oops'))).catch(() => {})
  expect(SIGNALS.map((name) => process.listenerCount(name))).toEqual(before)
})

test('knows a signal that is aborted already', async () => {
  expect(await aborted(AbortSignal.abort('reason'))).toBe('reason')
})
