/** The time that one question has, and the signal that its filters see. */
export interface TimeLimit {
  readonly signal: AbortSignal
  /** Waits for `answer` for as long as there is time; rejects with the signal's reason after that. */
  wait<T>(answer: PromiseLike<T>): Promise<T>
  /** To be called when there is an answer: stops the clock. */
  end(): void
}

export interface TimeLimitOptions {
  milliseconds: number
  /** What `signal` is aborted with when the time is over. */
  error: () => Error
  /** Ends it early, with its own reason. */
  signal?: AbortSignal | undefined
}

export function startTimeLimit({ milliseconds, error, signal }: TimeLimitOptions): TimeLimit {
  const controller = new AbortController()
  const abort = () => controller.abort(signal?.reason)
  const timer = setTimeout(() => controller.abort(error()), milliseconds)
  if (signal?.aborted) abort()
  else signal?.addEventListener('abort', abort, { once: true })
  const over = new Promise<never>((_, reject) => {
    const stop = () => reject(controller.signal.reason)
    if (controller.signal.aborted) stop()
    else controller.signal.addEventListener('abort', stop, { once: true })
  })
  // Nobody may be waiting when it is.
  over.catch(() => {})
  return {
    signal: controller.signal,
    wait: (answer) => Promise.race([answer, over]),
    end() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    },
  }
}
