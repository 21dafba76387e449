import { mergeConfig } from 'vitest/config'
import base from '../../scripts/vitest.base.mjs'

// TypeScript and a bundler over every package, on what may be a busy machine.
export default mergeConfig(base, { test: { testTimeout: 120_000, hookTimeout: 120_000 } })
