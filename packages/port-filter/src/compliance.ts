import { afterEach, beforeEach, describe, test } from 'vitest'
import { CHECKS, type FilterSetup } from './lib/compliance-checks.ts'
import type { Filter } from './lib/filter.ts'

export type { FilterSetup } from './lib/compliance-checks.ts'
export type { Samples } from './lib/sample-questions.ts'

/** Milliseconds. Each answer has its own limit, and slow filters are asked a good deal. */
const WHOLE_TEST = 120_000

/**
 * Declares the tests that every filter has to pass. To be called in a test file of vitest, where a
 * `test` could stand.
 *
 * @param name what the filter is called in the report
 */
export function testFilter(name: string, setup: FilterSetup): void {
  describe(`${name} as a filter`, () => {
    let filter: Filter | undefined
    beforeEach(async () => {
      filter = await setup.create()
    })
    afterEach(async () => {
      await filter?.dispose?.()
    })
    for (const check of CHECKS) {
      if (check.deterministic && setup.deterministic === false) continue
      const run = async () => {
        if (filter) await check.run(filter, setup)
      }
      test(check.name, run, WHOLE_TEST)
    }
  })
}
