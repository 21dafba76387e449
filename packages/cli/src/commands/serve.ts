import process from 'node:process'
import type { RawSettings } from '@tailproxy/config'
import { joinSession, type RunJoined, sessionSocket } from '@tailproxy/session/host'
import { CommandLineError } from '../lib/exit-status.ts'
import { aborted, interruptible } from '../lib/interruption.ts'
import { statePlace } from '../lib/state-place.ts'
import { tellProgress } from '../lib/tell-progress.ts'
import { tellRun } from '../lib/tell-run.ts'
import { withHost } from '../lib/with-host.ts'

/** `tailproxy` alone: serves SOCKS5 into the tailnet until it is interrupted. */
export async function serve(raw: RawSettings, options: { json: boolean }): Promise<never> {
  if (process.env['TAILPROXY_SESSION']) {
    throw new CommandLineError(
      'this shell is in a session already, and its programs are on the tailnet; serve SOCKS5 from outside',
    )
  }
  return interruptible(async (signal) => {
    const running = sessionSocket(await statePlace(raw))
    if (running !== undefined) return serveIn(running, raw, options, signal)
    return withHost(raw, { signal }, (host) => serveIn(host.socketPath, raw, options, signal))
  })
}

async function serveIn(
  socket: string,
  raw: RawSettings,
  { json }: { json: boolean },
  signal: AbortSignal,
): Promise<never> {
  const { onWait, done } = tellProgress(raw)
  const request = { command: ['(SOCKS5)'], pid: process.pid, cwd: process.cwd(), settings: raw }
  try {
    const run = await joinSession(socket, { ...request, user: 'tsnet' }, { onWait, signal })
    done()
    try {
      process.stdout.write(describe(run.joined, json))
      const over = tellRun(run).then(() => new CommandLineError('the session has ended'))
      throw await Promise.race([aborted(signal), over])
    } finally {
      run.leave()
    }
  } finally {
    done()
  }
}

function describe({ access, node }: RunJoined, json: boolean): string {
  const { user, password } = access
  const address = `${access.host}:${access.port}`
  if (json) return `${JSON.stringify({ address, user, password, node })}\n`
  return `SOCKS5 into the tailnet, as ${node.name}:
  address   ${address}
  user      ${user}
  password  ${password}

For example: curl --proxy socks5h://${user}:${password}@${address} http://PEER/
Ctrl-C ends it.
`
}
