import { describe, expect, test, vi } from 'vitest'
import { deferred } from '../testing/sockets.ts'
import { abortable, withDeadline } from './abortable.ts'

describe('abortable', () => {
  test('is the promise while nothing is aborted', async () => {
    const { signal } = new AbortController()
    await expect(abortable(Promise.resolve(1), signal)).resolves.toBe(1)
    await expect(abortable(Promise.reject(new RangeError()), signal)).rejects.toThrow(RangeError)
  })

  test('rejects with the reason and discards what comes late', async () => {
    const controller = new AbortController()
    const { promise, resolve } = deferred<string>()
    const discard = vi.fn()
    const waiting = abortable(promise, controller.signal, discard)
    controller.abort('enough')
    await expect(waiting).rejects.toBe('enough')
    resolve('late')
    await promise
    expect(discard).toHaveBeenCalledWith('late')
  })

  test('rejects at once with a signal that is aborted already', async () => {
    const waiting = abortable(new Promise(() => {}), AbortSignal.abort('enough'))
    await expect(waiting).rejects.toBe('enough')
  })
})

describe('withDeadline', () => {
  const never = (signal: AbortSignal) => abortable(new Promise<never>(() => {}), signal)

  test('rejects with its error when the time is up', async () => {
    const waiting = withDeadline(never, { milliseconds: 1, error: () => new RangeError() })
    await expect(waiting).rejects.toThrow(RangeError)
  })

  test('rejects with the reason of the signal', async () => {
    const controller = new AbortController()
    const options = { signal: controller.signal, milliseconds: 60_000, error: () => new Error() }
    const waiting = withDeadline(never, options)
    controller.abort('enough')
    await expect(waiting).rejects.toBe('enough')
  })

  test('does not begin with a signal that is aborted already', async () => {
    const task = vi.fn(never)
    const options = {
      signal: AbortSignal.abort('no'),
      milliseconds: 60_000,
      error: () => new Error(),
    }
    await expect(withDeadline(task, options)).rejects.toBe('no')
    expect(task).not.toHaveBeenCalled()
  })

  test('leaves no timer behind', async () => {
    vi.useFakeTimers()
    try {
      await withDeadline(async () => 1, { milliseconds: 60_000, error: () => new Error() })
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})
