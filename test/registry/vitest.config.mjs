import { mergeConfig } from 'vitest/config'
import base from '../../scripts/vitest.base.mjs'

export default mergeConfig(base, {
  test: {
    // npm and pnpm install, and real nodes join a real tailnet, on what may be a busy machine.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 2,
    globalSetup: ['support/publish-everything.ts'],
  },
})
