// The one vitest configuration: `vitest run --config ../../scripts/vitest.base.mjs --root .`
import { ResultsReporter } from './results-reporter.mjs'

export default {
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', '*.test.ts'],
    reporters: ['default', new ResultsReporter()],
    restoreMocks: true,
    unstubEnvs: true,
  },
}
