import process from 'node:process'
import type { ResolvedSettings, Settings } from '@tailproxy/config'
import type { PreloadSettings } from '@tailproxy/preload'
import type { Run, Session } from '@tailproxy/session'
import { describeDials } from '../lib/describe-dials.ts'
import { describeExport } from '../lib/describe-exports.ts'
import { CommandLineError } from '../lib/exit-status.ts'
import { exportOptions } from '../lib/export-options.ts'
import { interruptible } from '../lib/interruption.ts'
import { joinedSession } from '../lib/joined-session.ts'
import { type ChildExit, runChild } from '../lib/run-child.ts'
import { say } from '../lib/terminal.ts'
import { withSession } from '../lib/with-session.ts'
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
  return interruptible((signal) =>
    withSession(resolved, { signal, lab }, (session, file) =>
      runIn(session, wrapped, settings, { ...extra, TAILPROXY_SESSION: file }, signal),
    ),
  )
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
  const { onlyTailnet, bypass, udp } = settings
  const exports = settings.exportListeners ? exportOptions(settings) : undefined
  const run = await session.register('run-1', { onlyTailnet, bypass, udp }, exports)
  const { host, port, dialSocket } = session
  if (settings.verbose) say(describeDials(dialSocket))
  const { user, password, token } = run
  const socket = dialSocket.path
  const access = {
    ...{ library: wrapped.library, host, port, user, password, socket, token },
    ...exportAccess(run, settings),
  }
  if (settings.verbose) tellExports(run, session)
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

function exportAccess({ control }: Run, settings: Settings): Pick<PreloadSettings, 'exports'> {
  if (control === undefined) return {}
  const { exportLoopback: loopback, exportStrict: strict, exportPeers: showPeers } = settings
  return { exports: { control, loopback, strict, showPeers } }
}

function tellExports({ exporter }: Run, { node }: Session): void {
  const failures = new Map<number, string | undefined>()
  exporter?.on('export:changed', ({ port, error }) => {
    if (error && failures.get(port) !== error.message)
      say(`export: ${node.name}:${port}: ${error.message}`)
    failures.set(port, error?.message)
  })
  exporter?.on('export:opened', (opened) => say(`export: ${describeExport(opened, node.name)}`))
  exporter?.on('export:closed', ({ port }, reason) =>
    say(`export: ${node.name}:${port} ends (${reason})`),
  )
}

function start({ file, words }: Wrapped, env: NodeJS.ProcessEnv): Promise<ChildExit> {
  return runChild({ file, words, env })
}
