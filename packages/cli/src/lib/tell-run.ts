import type { JoinedRun } from '@tailproxy/session/join'
import { say } from './terminal.ts'

/** Tells on stderr what happens to the session of a command while it runs. */
export async function tellRun(run: JoinedRun): Promise<void> {
  for await (const event of run.events()) {
    switch (event.event) {
      case 'said':
        say(event.message)
        break
      case 'down':
        say(`${event.reason}; open connections are lost, and another sidecar is started`)
        break
      case 'ended':
        say(`${event.message}; the command's connections are lost`)
    }
  }
}
