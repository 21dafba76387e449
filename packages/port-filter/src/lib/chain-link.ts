import { HOOKS, type ReadRules, readFilter } from './check-filter.ts'
import { FilterFailedError } from './errors.ts'
import type { FilterContext, FilterHook, Questions } from './filter.ts'
import { decidePeer } from './inbound-rules.ts'
import { decidePort } from './port-filter.ts'
import { readOpinion } from './read-opinion.ts'
import type { TimeLimit } from './time-limit.ts'
import type { Opinion } from './verdict.ts'

type Ask = (question: unknown, context: FilterContext) => unknown

/** A filter as it was when the chain was made: what is taken out of it later is not lost. */
export interface ChainLink {
  readonly name: string
  readonly rules: ReadRules
  readonly hooks: Readonly<Partial<Record<FilterHook, Ask>>>
  readonly dispose: () => unknown
}

/** @throws {FilterShapeError} */
export function createChainLink(value: unknown, subject: string): ChainLink {
  const { filter, rules } = readFilter(value, subject)
  const hooks = HOOKS.flatMap((hook) => {
    const ask = filter[hook]
    return ask ? [[hook, ask.bind(filter)]] : []
  })
  return {
    name: filter.name,
    rules,
    hooks: Object.fromEntries(hooks),
    dispose: filter.dispose?.bind(filter) ?? (() => {}),
  }
}

/** What the static rules say. One that lets something pass has allowed it. */
export function opinionOfRules<Hook extends FilterHook>(
  { rules }: ChainLink,
  hook: Hook,
  question: Questions[Hook],
): Opinion {
  if (hook === 'inbound' && rules.inbound) {
    return decidePeer(rules.inbound, (question as Questions['inbound']).peer)
  }
  if (hook === 'export' && rules.exports) {
    return decidePort(rules.exports, (question as Questions['export']).port)
  }
  return undefined
}

/** @throws {FilterFailedError} when the answer is no opinion; also what the filter throws */
export async function opinionOfHook<Hook extends FilterHook>(
  { name, hooks }: ChainLink,
  hook: Hook,
  question: Questions[Hook],
  limit: TimeLimit,
): Promise<Opinion> {
  const ask = hooks[hook]
  if (!ask) return undefined
  const answer = ask(question, { signal: limit.signal })
  const isPending = typeof answer === 'object' && answer !== null && 'then' in answer
  const read = readOpinion(isPending ? await limit.wait(Promise.resolve(answer)) : answer)
  if ('problem' in read) throw new MalformedAnswer(name, read.problem)
  return read.opinion
}

/** Tells ours from one that a filter has thrown itself. */
export class MalformedAnswer extends FilterFailedError {}
