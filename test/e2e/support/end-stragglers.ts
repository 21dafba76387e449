import { afterEach } from 'vitest'
import { endStragglers } from './tailproxy.ts'

/** Characters of what a program has said that are of use. */
const LAST_WORDS = 2_000

// A wrapper that is killed takes its sidecar with it; the command it ran ends with its own pipes.
afterEach(async ({ task }) => {
  const stragglers = await endStragglers()
  // A test that has run out of time does not say by itself what its programs said.
  if (task.result?.state !== 'fail') return
  for (const { words, stdout, stderr } of stragglers) {
    const said = `${stdout.slice(-LAST_WORDS)}${stderr.slice(-LAST_WORDS)}`
    console.error(`${words.join(' ')} was running and had said: ${said}`)
  }
})
