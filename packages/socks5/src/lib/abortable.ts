/**
 * `promise`, but rejects with the signal's reason as soon as it is aborted. What then still comes
 * is given to `discard`, so that nothing opened too late stays open.
 */
export async function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  discard: (value: T) => void = () => {},
): Promise<T> {
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } catch (error) {
    if (signal.aborted) promise.then(discard, () => {})
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/**
 * Runs `task` with a signal that is aborted with `error` after `milliseconds`, or with `signal`.
 * No timer outlives the task, which AbortSignal.timeout() cannot promise.
 */
export async function withDeadline<T>(
  task: (signal: AbortSignal) => Promise<T>,
  { signal, milliseconds, error }: Deadline,
): Promise<T> {
  signal?.throwIfAborted()
  const controller = new AbortController()
  const abort = () => controller.abort(signal?.reason)
  const timer = setTimeout(() => controller.abort(error()), milliseconds)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await task(controller.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

export interface Deadline {
  signal?: AbortSignal | undefined
  milliseconds: number
  error: () => Error
}
