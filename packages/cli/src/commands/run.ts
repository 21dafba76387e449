import process from 'node:process'
import type { ResolvedSettings, Settings } from '@tailproxy/config'
import { removeSessionFile, type Session, writeSessionFile } from '@tailproxy/session'
import { describeDials } from '../lib/describe-dials.ts'
import { CommandLineError } from '../lib/exit-status.ts'
import { interruptible } from '../lib/interruption.ts'
import { joinedSession } from '../lib/joined-session.ts'
import { openSession } from '../lib/open-session.ts'
import { type ChildExit, runChild } from '../lib/run-child.ts'
import { say } from '../lib/terminal.ts'
import { allowUnwrapped, commandEnvironment, type Wrapped, wrap } from '../lib/wrap.ts'

export interface RunOptions {
  /** Variables for the command, besides our own. */
  extra?: NodeJS.ProcessEnv
  /** Whether the control server is a lab. */
  lab?: boolean
}

/** `tailproxy [run] COMMAND…`: runs a command on the tailnet, in a session of its own or in the one it is in. */
export async function run(
  words: readonly string[],
  resolved: ResolvedSettings,
  options: RunOptions = {},
): Promise<ChildExit> {
  const { values: settings } = resolved
  if (words.length === 0) {
    throw new CommandLineError('run needs a command: tailproxy run COMMAND [ARGUMENT…]')
  }
  const { extra = {}, lab = false } = options
  const wrapped = wrap(words, settings, { ...process.env, ...extra })
  const joined = lab ? undefined : joinedSession(resolved, process.env)
  if (joined) {
    const { library } = wrapped
    return start(wrapped, commandEnvironment({ ...joined, library }, settings, extra))
  }

  // To the very end: a signal never stops us before everything is taken down again.
  return interruptible(async (signal) => {
    const { session, stateDirectory } = await openSession(settings, { signal, lab })
    const file = writeSessionFile(stateDirectory, settings)
    try {
      const sessionVariables = { ...extra, TAILPROXY_SESSION: file }
      return await runIn(session, wrapped, settings, sessionVariables, signal)
    } finally {
      removeSessionFile(file)
      await session.close()
    }
  })
}

async function runIn(
  session: Session,
  wrapped: Wrapped,
  settings: Settings,
  extra: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<ChildExit> {
  if (!wrapped.unwrapped && process.getuid?.() !== 0) {
    if (await session.fileCapabilities(wrapped.program)) {
      allowUnwrapped(
        `${wrapped.program} has file capabilities, and such programs do not load the preload library`,
        settings,
      )
    }
  }
  const { user, password, token } = await session.register('run-1', {
    onlyTailnet: settings.onlyTailnet,
    bypass: settings.bypass,
    ask: false,
    udp: settings.udp,
  })
  const { host, port, dialSocket } = session
  if (settings.verbose) say(describeDials(dialSocket))
  const socket = dialSocket.path
  const access = { library: wrapped.library, host, port, user, password, socket, token }
  const env = commandEnvironment(access, settings, extra)
  signal.throwIfAborted()
  // From here on signals are the command's.
  const child = start(wrapped, env)
  const over = child.then(
    () => undefined,
    () => undefined,
  )
  const lost = await Promise.race([over, session.ended])
  if (lost) say(`${lost.message}; the command's connections are lost`)
  return child
}

function start({ file, words }: Wrapped, env: NodeJS.ProcessEnv): Promise<ChildExit> {
  return runChild({ file, words, env })
}
