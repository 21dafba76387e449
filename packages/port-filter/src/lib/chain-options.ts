import { ChainOptionsError, type PortFilterError } from './errors.ts'
import { describe } from './quote.ts'
import { readOpinion } from './read-opinion.ts'
import { ALLOW, type Verdict } from './verdict.ts'

/** Milliseconds. Half of what the sidecar waits, so that a denial still comes with its reason. */
export const DEFAULT_FILTER_TIMEOUT = 1000

/** setTimeout takes a longer one for none. */
const LONGEST_TIMEOUT = 2_147_483_647

export interface FilterChainOptions {
  /**
   * How long a question may take, all filters together. Milliseconds, 1 to 2_147_483_647.
   * @default 1000
   */
  timeout?: number | undefined
  /**
   * The verdict when no filter has an opinion. With a denial something passes only when a filter
   * allows it, and none denies it.
   * @default { verdict: 'allow' }
   */
  fallback?: Verdict | undefined
  /** Told of each filter that threw, was late or answered no verdict, and so denied. Must not throw. */
  onFailure?: ((error: PortFilterError) => void) | undefined
}

export interface AskOptions {
  /** Gives the question up: the promise rejects with its reason. */
  signal?: AbortSignal | undefined
}

/** @throws {ChainOptionsError} */
export function readChainOptions(options: FilterChainOptions) {
  const { timeout = DEFAULT_FILTER_TIMEOUT, fallback = ALLOW, onFailure = () => {} } = options
  if (!Number.isInteger(timeout) || timeout < 1 || timeout > LONGEST_TIMEOUT) {
    const allowed = `allowed are whole milliseconds from 1 to ${LONGEST_TIMEOUT}`
    throw new ChainOptionsError('timeout', `is ${describe(timeout)}; ${allowed}`)
  }
  const read = readOpinion(fallback)
  if ('problem' in read) throw new ChainOptionsError('fallback', read.problem)
  return { timeout, fallback: read.opinion ?? ALLOW, onFailure }
}
