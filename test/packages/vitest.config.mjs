import { mergeConfig } from 'vitest/config'
import base from '../../scripts/vitest.base.mjs'

export default mergeConfig(base, {
  test: {
    // Linking the sidecar, packing it and unpacking it take what they take.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 1,
  },
})
