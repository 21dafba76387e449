import process from 'node:process'
import type { ResolvedSettings } from '@tailproxy/config'
import { Session, type SessionOptions, sidecarEnvironment } from '@tailproxy/session'
import { findSidecar } from '@tailproxy/sidecar'
import { authKeyOf } from './auth-key-of.ts'
import { describeFlow } from './describe-flow.ts'
import { filtersOf } from './filters.ts'
import { refuseExitNode } from './refuse-exit-node.ts'
import { stateDirectoryOf } from './state-directory-of.ts'
import { say, showProgress } from './terminal.ts'

/** Milliseconds after which a node that is not up yet is worth a line, on a terminal or not. */
const SLOW_START = 5_000

export interface OpenedSession {
  session: Session
  stateDirectory: string
}

/** Brings a session up as the settings say, and tells on stderr what there is to tell. */
export async function openSession(
  resolved: ResolvedSettings,
  options: { signal: AbortSignal; lab?: boolean },
): Promise<OpenedSession> {
  const settings = resolved.values
  refuseExitNode(resolved)
  const authKey = await authKeyOf(resolved)
  const filters = await filtersOf(resolved)
  const stateDirectory = stateDirectoryOf(settings)
  const server = settings.controlUrl || "Tailscale's control server"
  const sidecar = findSidecar()
  let said = false
  const progress = showProgress('connecting to the tailnet')
  const slow = setTimeout(() => {
    progress.done()
    if (!said) say(`still waiting for ${server}; Ctrl-C gives up`)
  }, SLOW_START)
  const sessionOptions: SessionOptions = {
    sidecar,
    env: sidecarEnvironment(process.env, { port: settings.port, lab: options.lab ?? false }),
    hostname: settings.hostname,
    stateDirectory,
    authKey,
    controlUrl: settings.controlUrl,
    ephemeral: settings.ephemeral,
    tailscaleLogs: settings.tailscaleLogs,
    port: settings.port,
    filters,
    signal: options.signal,
    onState: (state, detail) => {
      if (state === 'needs-approval') {
        progress.done()
        said = true
        say('this node waits for an administrator of the tailnet to approve it')
      }
      if (!settings.verbose) return
      progress.done()
      say(`node: ${state}${detail ? ` (${detail})` : ''}`)
    },
    onAuthUrl: (url) => {
      progress.done()
      said = true
      say(`to log this node in, open ${url}`)
    },
  }
  try {
    const session = await Session.open(sessionOptions)
    if (settings.verbose) {
      tell(session)
      await session.watchFlows(true)
    }
    return { session, stateDirectory }
  } catch (error) {
    // What a plugin holds would keep this process.
    await filters.dispose()
    throw error
  } finally {
    clearTimeout(slow)
    progress.done()
  }
}

function tell(session: Session): void {
  const { node, host, port } = session
  say(`node: ${node.name} is up as ${node.addresses.join(', ')}; SOCKS5 on ${host}:${port}`)
  session.on('flowOpened', (flow) => say(describeFlow(flow)))
  session.on('flowClosed', ({ flow, bytesUp, bytesDown, durationMs, error }) => {
    const how = error ? `: ${error.message}` : ''
    say(`flow ${flow}: closed after ${durationMs} ms, ${bytesUp} bytes up, ${bytesDown} down${how}`)
  })
  session.on('log', (level, message) => say(`${level}: ${message}`))
}
