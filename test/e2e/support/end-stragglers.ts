import { afterEach } from 'vitest'
import { endStragglers } from './tailproxy.ts'

// A wrapper that is killed takes its sidecar with it; the command it ran ends with its own pipes.
afterEach(endStragglers)
