import { existsSync } from 'node:fs'
import path from 'node:path'
import { checkSettings, type RawSettings } from '@tailproxy/config'
import { awaitReady, SessionClient, sessionSocket } from '@tailproxy/session/host'
import { CommandLineError } from './exit-status.ts'
import { interruptible } from './interruption.ts'
import { showProgress } from './terminal.ts'
import { withHost } from './with-host.ts'

/** Milliseconds for a node that is brought up to be logged out. */
const START_TIMEOUT = 20_000
/** What Tailscale keeps a node's keys in. */
const KEYS = 'tailscaled.state'

/**
 * Logs the node of a state directory out, of a session that runs or one that is started for it; that
 * ends the session.
 *
 * @returns the node's name, or undefined when none is logged in
 * @throws {CommandLineError} when the control server could not be told
 */
export function logOut(stateDirectory: string, raw: RawSettings): Promise<string | undefined> {
  return interruptible(async (signal) => {
    const progress = showProgress('logging out')
    try {
      const socket = sessionSocket(stateDirectory)
      if (socket !== undefined) return await logOutAt(socket, signal)
      if (!existsSync(path.join(stateDirectory, KEYS))) return undefined
      return await logOutAnew(raw, signal)
    } finally {
      progress.done()
    }
  })
}

async function logOutAt(socket: string, signal: AbortSignal): Promise<string | undefined> {
  const client = new SessionClient(socket, { signal })
  const { state, sidecar } = await client.status()
  if (!sidecar?.node) {
    if (state !== 'needs-login' && state !== 'needs-approval') {
      throw new CommandLineError(`the session is ${state}, and cannot log out; try again`)
    }
    await client.stop()
    return undefined
  }
  await client.logout()
  return sidecar.node.name
}

/** No exit node is needed for it, and no key: what is not logged in is not to be. */
async function logOutAnew(raw: RawSettings, signal: AbortSignal): Promise<string | undefined> {
  checkSettings(raw)
  const { authKey, exitNodeLanAccess, metrics, port, ...others } = raw
  const exitNode = { value: [], origin: { kind: 'flag', name: 'exit-node' } } as const
  const late = AbortSignal.timeout(START_TIMEOUT)
  const limited = AbortSignal.any([signal, late])
  const wanted: RawSettings = { ...others, exitNode: { ...exitNode, value: [] } }
  try {
    return await withHost(wanted, { signal: limited }, async (host) => {
      const needsLogin = new AbortController()
      const onWait = ({ state }: { state: string }): void => {
        if (state === 'needs-login') needsLogin.abort()
      }
      try {
        const both = AbortSignal.any([limited, needsLogin.signal])
        await awaitReady(host.socketPath, {}, { onWait, signal: both })
      } catch (error) {
        if (needsLogin.signal.aborted) return undefined
        throw error
      }
      return await logOutAt(host.socketPath, limited)
    })
  } catch (error) {
    if (!late.aborted || signal.aborted) throw error
    throw new CommandLineError(
      `the node did not come up within ${START_TIMEOUT / 1_000} s, and is still logged in; tailproxy doctor finds out why`,
      { cause: error },
    )
  }
}
