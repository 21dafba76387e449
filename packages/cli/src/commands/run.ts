import process from 'node:process'
import type { RawSettings } from '@tailproxy/config/collect'
import {
  enterSession,
  type JoinedRun,
  type JoinRequest,
  type JoinWait,
  joinSession,
  type RunJoined,
} from '@tailproxy/session/join'
import { describeDials } from '../lib/describe-dials.ts'
import { CommandLineError } from '../lib/exit-status.ts'
import { interruptible } from '../lib/interruption.ts'
import { library } from '../lib/library.ts'
import { type ChildExit, loadSpawn, runChild } from '../lib/run-child.ts'
import { statePlace } from '../lib/state-place.ts'
import { tellProgress } from '../lib/tell-progress.ts'
import { tellRun } from '../lib/tell-run.ts'
import { say } from '../lib/terminal.ts'
import { accessOf, allowUnwrapped, commandEnvironment, type Wrapped, wrap } from '../lib/wrap.ts'

export interface RunOptions {
  /** Variables for the command, besides our own. */
  extra?: NodeJS.ProcessEnv
  /** Whether the control server is a lab; the session then is this command's alone. */
  lab?: boolean
}

/** `tailproxy [run] COMMAND…`: runs a command on the tailnet, in the session it is in or its profile's. */
export async function run(
  words: readonly string[],
  raw: RawSettings,
  options: RunOptions = {},
): Promise<ChildExit> {
  if (words.length === 0) {
    throw new CommandLineError('run needs a command: tailproxy run COMMAND [ARGUMENT…]')
  }
  const { extra = {}, lab = false } = options
  const mayBeUnwrapped = raw.allowUnwrapped?.value === true
  const wrapped = wrap(words, mayBeUnwrapped, { ...process.env, ...extra })
  if (!lab && process.env['TAILPROXY_SESSION']) {
    const { runJoined } = await import('../lib/run-joined.ts')
    const exit = await runJoined(wrapped, raw, extra)
    if (exit) return exit
  }

  // To the very end: a signal never stops us before everything is taken down again.
  return interruptible(async (signal) => {
    const request: JoinRequest = {
      command: words,
      pid: process.pid,
      cwd: process.cwd(),
      ...(wrapped.unwrapped === undefined ? { program: wrapped.program } : {}),
      settings: raw,
    }
    const teller = tellProgress(raw)
    const { onWait } = teller
    const join = { onWait, onAsked: loadSpawn, signal }
    const wait = async <T>(work: (options: JoinWait) => Promise<T>): Promise<T> => {
      if (raw.timeout === undefined) return work(join)
      const { withinTimeout } = await import('../lib/within-timeout.ts')
      return withinTimeout(raw, join, work)
    }
    try {
      const { foreground } = raw
      if (lab || (foreground && foreground.value !== false)) {
        library()
        const { withHost } = await import('../lib/with-host.ts')
        return await withHost(raw, { signal, lab }, async (host) => {
          const joined = await wait((options) => joinSession(host.socketPath, request, options))
          teller.done()
          return runIn(joined, wrapped, extra, signal)
        })
      }
      const place = await statePlace(raw)
      const start = async (): Promise<void> => {
        // A session that no command can use is not started.
        library()
        const { backgroundStart } = await import('../lib/background-session.ts')
        await backgroundStart(raw, place, signal)()
      }
      const joined = await wait((options) => enterSession(place, start, request, options))
      teller.done()
      return await runIn(joined, wrapped, extra, signal)
    } finally {
      teller.done()
    }
  })
}

/** Finding and comparing the library takes a command milliseconds, and a session that runs no time. */
function libraryFor(joined: RunJoined): string {
  const isChosen = Boolean(process.env['TAILPROXY_PRELOAD_LIBRARY'])
  return (isChosen ? undefined : joined.library) ?? library()
}

async function runIn(
  run: JoinedRun,
  wrapped: Wrapped,
  extra: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<ChildExit> {
  try {
    const { joined } = run
    const { settings, dials, node, access, session } = joined
    if (joined.fileCapabilities) {
      const reason = `${wrapped.program} has file capabilities, and such programs do not load the preload library`
      allowUnwrapped(reason, settings.allowUnwrapped)
    }
    if (settings.verbose) {
      const at = `${access.host}:${access.port}`
      say(`node: ${node.name} is up as ${node.addresses.join(', ')}; SOCKS5 on ${at}`)
      say(describeDials(dials))
    }
    const told = { ...extra, TAILPROXY_SESSION: session }
    const env = commandEnvironment(accessOf(joined, libraryFor(joined)), settings, told)
    signal.throwIfAborted()
    // From here on signals are the command's.
    void tellRun(run)
    const exit = await runChild({ file: wrapped.file, words: wrapped.words, env })
    if (settings.verbose) {
      const { awaitLastWords } = await import('../lib/await-last-words.ts')
      await awaitLastWords(session)
    }
    return exit
  } finally {
    run.leave()
  }
}
