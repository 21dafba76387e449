import { mergeConfig } from 'vitest/config'
import base from '../../scripts/vitest.base.mjs'

export default mergeConfig(base, {
  test: {
    // A control server for each file and a node for each command: real ones, on what may be a busy machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    globalSetup: ['support/build-binaries.ts'],
    setupFiles: ['../e2e/support/end-stragglers.ts'],
  },
})
