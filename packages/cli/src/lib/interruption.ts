import process from 'node:process'

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** Somebody sent us a signal while nothing else was there to take it. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
  readonly signalName: NodeJS.Signals

  constructor(signalName: NodeJS.Signals) {
    super(`interrupted by ${signalName}`)
    this.signalName = signalName
  }
}

/**
 * Runs `work` with a signal that aborts, by an {@link InterruptedError}, on Ctrl-C and its like, so
 * that what was begun is taken down before we end.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const handlers = SIGNALS.map((name) => {
    const handler = () => controller.abort(new InterruptedError(name))
    process.on(name, handler)
    return () => process.off(name, handler)
  })
  try {
    return await work(controller.signal)
  } finally {
    for (const remove of handlers) remove()
  }
}

/** Resolves when `signal` aborts, with its reason. */
export function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason)
    else signal.addEventListener('abort', () => resolve(signal.reason), { once: true })
  })
}
