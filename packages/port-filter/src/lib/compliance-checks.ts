import { expect } from 'vitest'
import { checkFilter, HOOKS } from './check-filter.ts'
import type { Filter, FilterHook, Questions } from './filter.ts'
import { createFilterChain, type FilterChain } from './filter-chain.ts'
import { SAMPLES, type Samples } from './sample-questions.ts'
import { startTimeLimit } from './time-limit.ts'
import { MAX_REASON_LENGTH } from './verdict.ts'

/** How the suite gets at a filter. */
export interface FilterSetup {
  /** Makes the filter anew for each test; the suite disposes of it. */
  create(): Filter | Promise<Filter>
  /** Questions of your own, asked as well as the suite's. */
  questions?: Partial<Samples> | undefined
  /**
   * False for a filter that may answer the same question differently (say, one that counts).
   * @default true
   */
  deterministic?: boolean | undefined
  /**
   * How long an answer may take. Milliseconds.
   * @default 1000
   */
  timeout?: number | undefined
}

export interface ComplianceCheck {
  /** What a filter does, as the name of a test. */
  readonly name: string
  /** Rejects when the filter does not. */
  run(filter: Filter, setup: FilterSetup): Promise<void>
  /** Whether it only holds for filters that always answer alike. */
  readonly deterministic?: boolean
}

type Asked = readonly [hook: FilterHook, question: Questions[FilterHook]]

/** Anew each time, so that a filter that changes them spoils no other check. */
function everyQuestion({ questions = {} }: FilterSetup): Asked[] {
  return HOOKS.flatMap((hook) =>
    [...SAMPLES[hook], ...(questions[hook] ?? [])].map(
      (question): Asked => [hook, structuredClone(question)],
    ),
  )
}

/** Asks the hook itself, with nothing between that would mend its answer. */
async function askHook(filter: Filter, [hook, question]: Asked, signal: AbortSignal) {
  const hooks = filter as { [hook in FilterHook]?: (question: unknown, context: object) => unknown }
  return await hooks[hook]?.(question, { signal })
}

function chainOf(filter: Filter, { timeout }: FilterSetup): FilterChain {
  return createFilterChain([filter], {
    timeout,
    onFailure(failure) {
      throw failure
    },
  })
}

function ask(chain: FilterChain, [hook, question]: Asked) {
  return (chain[hook] as (question: unknown) => Promise<unknown>)(question)
}

async function allAnswers(filter: Filter, setup: FilterSetup, questions = everyQuestion(setup)) {
  const chain = chainOf(filter, setup)
  const answers: unknown[] = []
  for (const asked of questions) answers.push(await ask(chain, asked))
  return answers
}

/** Runs `task` against the time an answer has, with a real clock. */
async function inTime<T>(setup: FilterSetup, task: () => T | Promise<T>): Promise<T> {
  const { timeout = 1000 } = setup
  const error = () => new Error(`it was not done in ${timeout} ms`)
  const limit = startTimeLimit({ milliseconds: timeout, error })
  try {
    return await limit.wait(Promise.resolve(task()))
  } finally {
    limit.end()
  }
}

export const CHECKS: readonly ComplianceCheck[] = [
  {
    name: 'has a name, and nothing that could be a misspelt hook',
    async run(filter) {
      expect(checkFilter(filter)).toBe(filter)
    },
  },
  {
    name: 'answers every question in time, by a verdict or not at all',
    async run(filter, setup) {
      for (const answer of await allAnswers(filter, setup)) {
        expect(answer).toMatchObject({ verdict: expect.stringMatching(/^(allow|deny)$/) })
      }
    },
  },
  {
    name: 'gives a reason of one line with each denial, and nothing else',
    async run(filter, setup) {
      for (const asked of everyQuestion(setup)) {
        const answer = await inTime(setup, () =>
          askHook(filter, asked, new AbortController().signal),
        )
        if (answer === undefined || isAllow(answer)) continue
        const reason = expect.stringMatching(/^[^\p{Cc}]*\S[^\p{Cc}]*$/u)
        expect(answer).toEqual({ verdict: 'deny', reason })
        expect((answer as { reason: string }).reason.length).toBeLessThanOrEqual(MAX_REASON_LENGTH)
      }
    },
  },
  {
    name: 'leaves what it is asked about as it is',
    async run(filter, setup) {
      for (const [hook, question] of everyQuestion(setup)) {
        const given = structuredClone(question)
        await inTime(setup, () => askHook(filter, [hook, given], new AbortController().signal))
        expect(given).toEqual(question)
      }
    },
  },
  {
    name: 'answers alike when a question has fields that it does not know',
    deterministic: true,
    async run(filter, setup) {
      const questions = everyQuestion(setup)
      const strange = questions.map(
        ([hook, question]): Asked => [
          hook,
          { ...question, futureField: { of: ['any', 1] } } as never,
        ],
      )
      const answers = await allAnswers(filter, setup, strange)
      expect(answers).toEqual(await allAnswers(filter, setup, questions))
    },
  },
  {
    name: 'answers the same question alike, one after another and at once',
    deterministic: true,
    async run(filter, setup) {
      const questions = everyQuestion(setup)
      const first = await allAnswers(filter, setup, questions)
      expect(await allAnswers(filter, setup, questions)).toEqual(first)
      const chain = chainOf(filter, setup)
      expect(await Promise.all(questions.map((asked) => ask(chain, asked)))).toEqual(first)
    },
  },
  {
    name: 'survives a signal that is aborted before, and one that is aborted while it is asked',
    async run(filter, setup) {
      for (const asked of everyQuestion(setup)) {
        // It may answer or throw; it may not hang.
        await inTime(setup, () => askHook(filter, asked, AbortSignal.abort()).catch(() => {}))
        const controller = new AbortController()
        const answer = askHook(filter, asked, controller.signal).catch(() => {})
        controller.abort()
        await inTime(setup, () => answer)
      }
      await allAnswers(filter, setup)
    },
  },
  {
    name: 'lets go of what it holds in time, after questions and without any',
    async run(_, setup) {
      const used = await setup.create()
      await allAnswers(used, setup)
      await inTime(setup, () => used.dispose?.())
      const unused = await setup.create()
      await inTime(setup, () => unused.dispose?.())
    },
  },
]

function isAllow(answer: unknown): boolean {
  return typeof answer === 'object' && (answer as { verdict?: unknown } | null)?.verdict === 'allow'
}
