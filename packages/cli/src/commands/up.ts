import process from 'node:process'
import type { RawSettings } from '@tailproxy/config'
import { awaitReady, SessionClient, withRunningSession } from '@tailproxy/session/host'
import { backgroundStart } from '../lib/background-session.ts'
import { CommandLineError } from '../lib/exit-status.ts'
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
  raw: RawSettings,
  options: { json: boolean },
): Promise<ChildExit> {
  if (operands.length > 0) throw new CommandLineError(`up takes no "${operands[0]}"`)
  const isForeground = raw.foreground !== undefined && raw.foreground.value !== false
  return interruptible(async (signal) => {
    const { onWait, done } = tellProgress(raw)
    const tellNode = async (socket: string): Promise<void> => {
      const { node } = await awaitReady(socket, raw, { onWait, signal })
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
          async (socket) => {
            await tellNode(socket)
            await new SessionClient(socket).pin(true)
          },
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
    } finally {
      done()
    }
  })
}
