import process from 'node:process'
import type { RawSettings } from '@tailproxy/config'
import { awaitReady, SessionClient, withRunningSession } from '@tailproxy/session/host'
import { awaitLogin, loginErrorOf } from '../lib/await-login.ts'
import { backgroundStart } from '../lib/background-session.ts'
import { CommandLineError } from '../lib/exit-status.ts'
import { withGivenAuthKey } from '../lib/given-auth-key.ts'
import { aborted, interruptible } from '../lib/interruption.ts'
import type { ChildExit } from '../lib/run-child.ts'
import { notifyManager, passedSocket } from '../lib/service-manager.ts'
import { statePlace } from '../lib/state-place.ts'
import { tellProgress } from '../lib/tell-progress.ts'
import { say } from '../lib/terminal.ts'
import { withHost } from '../lib/with-host.ts'

/** `tailproxy up`: brings the session up, to stay; with `--foreground` in this process. */
export async function up(
  operands: readonly string[],
  given: RawSettings,
  options: { json: boolean },
): Promise<ChildExit> {
  if (operands.length > 0) throw new CommandLineError(`up takes no "${operands[0]}"`)
  const raw = await withGivenAuthKey(given)
  const isForeground = raw.foreground !== undefined && raw.foreground.value !== false
  return interruptible(async (signal) => {
    const { onWait, done } = tellProgress(raw)
    const tellNode = async (socket: string): Promise<void> => {
      // A service has no place to go to when nobody has approved it yet.
      const wait = { onWait, signal, waitsForApproval: isForeground }
      const { node } = await awaitLogin(raw, wait, (waiting) => awaitReady(socket, raw, waiting))
      done()
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ node })}\n`
          : `${node.name} is up as ${node.addresses.join(', ')}\n`,
      )
    }
    try {
      if (!isForeground) {
        const place = await statePlace(raw)
        await withRunningSession(
          place,
          backgroundStart(raw, place, signal),
          (socket) => pinned(new SessionClient(socket), () => tellNode(socket)),
          signal,
        )
        return { status: 0, signal: null }
      }
      const listenDescriptor = passedSocket()
      return await withHost(raw, { signal, listenDescriptor }, async (host) => {
        host.on('said', say)
        await tellNode(host.socketPath)
        await notifyManager('READY=1')
        const reason = await Promise.race([aborted(signal), host.ended])
        await notifyManager('STOPPING=1')
        if (signal.aborted) throw reason
        return { status: 0, signal: null }
      })
    } catch (error) {
      throw loginErrorOf(error)
    } finally {
      done()
    }
  })
}

/** At once, so that it does not leave between its answer and the next question; not for what fails. */
async function pinned(client: SessionClient, work: () => Promise<void>): Promise<void> {
  await client.pin(true)
  try {
    await work()
  } catch (error) {
    // It may have ended with the failure.
    await client.pin(false).catch(() => {})
    throw error
  }
}
