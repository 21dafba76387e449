import { afterEach } from 'vitest'
import { endStragglers } from './tailproxy.ts'

// A wrapper that is killed takes its sidecar with it; the command it ran ends with its own pipes.
afterEach(async ({ task }) => {
  const stragglers = await endStragglers()
  // A test that has run out of time does not say by itself what its programs said.
  if (task.result?.state !== 'fail') return
  for (const { words, stdout, stderr } of stragglers) {
    console.error(`${words.join(' ')} was running and had said: ${stdout}${stderr}`)
  }
})
