import type { RawSettings } from '@tailproxy/config/collect'
import type { RunWaits } from '@tailproxy/session/join'
import { say, showProgress } from './terminal.ts'

/** No TailProxy is older, so that a clock which says less is wrong; no certificate is valid by it. */
const EARLIEST = Date.UTC(2026, 0, 1)

/** Milliseconds after which a node that is not up yet is worth a line, on a terminal or not. */
const SLOW_START = 5_000

export interface ProgressTeller {
  onWait: (progress: RunWaits) => void
  done: () => void
}

/** Tells on stderr what a command that waits for its session's node waits for. */
export function tellProgress({ verbose, controlUrl }: RawSettings): ProgressTeller {
  const server = controlUrl?.value || "Tailscale's control server"
  const progress = showProgress('connecting to the tailnet')
  const told = new Set<string>()
  const slow = setTimeout(() => {
    progress.done()
    if (told.size === 0) tell(`still waiting for ${server}${clockComplaint()}; Ctrl-C gives up`)
  }, SLOW_START)
  const tell = (message: string): void => {
    if (told.has(message)) return
    told.add(message)
    progress.done()
    say(message)
  }
  return {
    onWait: ({ state, detail, url }) => {
      if (url) tell(`to log this node in, open ${url}`)
      if (state === 'needs-approval') {
        tell('this node waits for an administrator of the tailnet to approve it')
      }
      if (verbose?.value !== true) return
      progress.done()
      say(`node: ${state}${detail ? ` (${detail})` : ''}`)
    },
    done: () => {
      clearTimeout(slow)
      progress.done()
    },
  }
}

function clockComplaint(): string {
  const now = new Date()
  if (now.getTime() >= EARLIEST) return ''
  return ` (this host's clock says ${now.toISOString().slice(0, 10)}, when no certificate of today is valid: set it)`
}
