import {
  type ChainLink,
  createChainLink,
  MalformedAnswer,
  opinionOfHook,
  opinionOfRules,
} from './chain-link.ts'
import { type AskOptions, type FilterChainOptions, readChainOptions } from './chain-options.ts'
import { HOOKS } from './check-filter.ts'
import { FilterFailedError, FilterTimeoutError, type PortFilterError } from './errors.ts'
import type { Filter, FilterHook, Questions } from './filter.ts'
import type { ExportRequest, InboundFlow, OutboundFlow } from './flow.ts'
import { frozenCopy } from './frozen-copy.ts'
import { type MergedRules, mergeRules } from './static-rules.ts'
import { startTimeLimit, type TimeLimit } from './time-limit.ts'
import type { ChainVerdict, Denial, Verdict } from './verdict.ts'

/**
 * Filters in their order. The first denial is final; an `allow` spares nobody the filters behind
 * it. So a filter can narrow what the ones before it let through, and never widen it.
 */
export interface FilterChain {
  outbound(flow: OutboundFlow, options?: AskOptions): Promise<ChainVerdict>
  inbound(flow: InboundFlow, options?: AskOptions): Promise<ChainVerdict>
  export(request: ExportRequest, options?: AskOptions): Promise<ChainVerdict>
  /** False when `staticRules()` say all there is to say; then nobody needs to ask. */
  needsAsking(hook: FilterHook): boolean
  staticRules(): MergedRules
  /** Disposes of every filter, the last one first. Never rejects; failures go to `onFailure`. */
  dispose(): Promise<void>
}

/**
 * @throws {FilterShapeError} when one of `filters` is none
 * @throws {ChainOptionsError}
 */
export function createFilterChain(
  filters: readonly Filter[],
  options: FilterChainOptions = {},
): FilterChain {
  return new Chain(filters, options)
}

class Chain implements FilterChain {
  readonly #links: readonly ChainLink[]
  readonly #timeout: number
  readonly #fallback: Verdict
  readonly #onFailure: (error: PortFilterError) => void
  readonly #rules: MergedRules
  #disposed: Promise<void> | undefined

  constructor(filters: readonly Filter[], options: FilterChainOptions) {
    const { timeout, fallback, onFailure } = readChainOptions(options)
    this.#links = filters.map((each, at) => createChainLink(each, `filter ${at + 1} of the chain`))
    this.#timeout = timeout
    this.#fallback = fallback
    this.#onFailure = onFailure
    this.#rules = mergeRules(this.#links.map(({ rules }) => rules))
  }

  outbound(flow: OutboundFlow, options?: AskOptions): Promise<ChainVerdict> {
    return this.#ask('outbound', flow, options)
  }

  inbound(flow: InboundFlow, options?: AskOptions): Promise<ChainVerdict> {
    return this.#ask('inbound', flow, options)
  }

  export(request: ExportRequest, options?: AskOptions): Promise<ChainVerdict> {
    return this.#ask('export', request, options)
  }

  needsAsking(hook: FilterHook): boolean {
    if (!HOOKS.includes(hook)) return true
    if (this.#links.some(({ hooks }) => hooks[hook])) return true
    const { inbound, exports } = this.#rules
    const hasInboundRules = this.#links.some(({ rules }) => rules.inbound)
    if (hook === 'inbound' && hasInboundRules && !inbound) return true
    if (this.#fallback.verdict === 'allow') return false
    // Where silence denies, only a list of who or what may pass leaves nothing to ask.
    const said = { outbound: false, inbound: inbound !== undefined, export: exports?.allow }
    return !said[hook]
  }

  staticRules(): MergedRules {
    return this.#rules
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.#disposeAll()
    return this.#disposed
  }

  async #ask<Hook extends FilterHook>(
    hook: Hook,
    asked: Questions[Hook],
    { signal }: AskOptions = {},
  ): Promise<ChainVerdict> {
    signal?.throwIfAborted()
    const question = frozenCopy(asked)
    let verdict: ChainVerdict = { ...this.#fallback }
    let name = ''
    const limit = this.#startTimeLimit(() => name, signal)
    try {
      for (const link of this.#links) {
        name = link.name
        const byRules = opinionOfRules(link, hook, question)
        if (byRules?.verdict === 'deny') return { ...byRules, filter: name }
        const byHook = await opinionOfHook(link, hook, question, limit)
        signal?.throwIfAborted()
        if (byHook?.verdict === 'deny') return { ...byHook, filter: name }
        verdict = byHook ?? byRules ?? verdict
      }
      return { ...verdict }
    } catch (cause) {
      signal?.throwIfAborted()
      return this.#denyFor(name, cause, limit)
    } finally {
      limit.end()
    }
  }

  /** What was thrown may hold anything, so it is reported, and of the reason no part. */
  #denyFor(filter: string, cause: unknown, { signal }: TimeLimit): Denial {
    const isOurs = cause instanceof MalformedAnswer
    const thrown = isOurs ? cause : new FilterFailedError(filter, 'threw', { cause })
    const error: PortFilterError =
      signal.reason instanceof FilterTimeoutError ? signal.reason : thrown
    this.#onFailure(error)
    return { verdict: 'deny', reason: error.message, filter }
  }

  #startTimeLimit(filter: () => string, signal?: AbortSignal): TimeLimit {
    const error = () => new FilterTimeoutError(filter(), this.#timeout)
    return startTimeLimit({ milliseconds: this.#timeout, error, signal })
  }

  async #disposeAll(): Promise<void> {
    for (const { name, dispose } of this.#links.toReversed()) {
      const limit = this.#startTimeLimit(() => name)
      try {
        await limit.wait(Promise.resolve(dispose()))
      } catch (cause) {
        this.#denyFor(name, cause, limit)
      } finally {
        limit.end()
      }
    }
  }
}
