// The one vitest configuration: `vitest run --config ../../scripts/vitest.base.mjs --root .`
import { ResultsReporter } from './results-reporter.mjs'

export default {
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', '*.test.ts'],
    reporters: ['default', new ResultsReporter()],
    // A machine that builds something else at the same time is several times slower.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    restoreMocks: true,
    unstubEnvs: true,
  },
}
