import { checkSettings, type RawSettings } from '@tailproxy/config'
import {
  type JoinWait,
  type RunWaits,
  SessionLaunchError,
  type SessionReady,
  SessionRefusedError,
  SessionStartError,
} from '@tailproxy/session/host'
import { CommandLineError } from './exit-status.ts'
import { LoginError } from './login-error.ts'
import { timeSpan } from './time-span.ts'

export interface LoginWait {
  onWait: (progress: RunWaits) => void
  signal: AbortSignal
  /** Whether to wait for an administrator without a limit: one may take days. */
  waitsForApproval?: boolean
}

/**
 * Waits for what `wait` waits for, as long as `--timeout` allows, and says by a status of its own what
 * the node lacks.
 *
 * @throws {LoginError}
 */
export async function awaitLogin<T = SessionReady>(
  raw: RawSettings,
  { onWait, signal, waitsForApproval = false }: LoginWait,
  wait: (options: JoinWait) => Promise<T>,
): Promise<T> {
  const { timeout } = checkSettings(raw).values
  const over = new AbortController()
  let last: RunWaits | undefined
  const timer = timeout > 0 ? setTimeout(() => over.abort(late(last, timeout)), timeout) : undefined
  const look = (progress: RunWaits): void => {
    last = progress
    onWait(progress)
    if (progress.state === 'needs-approval' && timeout === 0 && !waitsForApproval) {
      over.abort(new LoginError('needs-approval', `${APPROVAL}; any command goes on when it has`))
    }
  }
  try {
    return await wait({ onWait: look, signal: AbortSignal.any([signal, over.signal]) })
  } catch (error) {
    throw over.signal.aborted ? over.signal.reason : loginErrorOf(error)
  } finally {
    clearTimeout(timer)
  }
}

const APPROVAL = 'this node waits for an administrator of its tailnet to approve it'

function late(last: RunWaits | undefined, timeout: number): CommandLineError {
  const within = `within ${timeout < 1_000 ? `${timeout} ms` : timeSpan(timeout)}`
  if (last?.state === 'needs-approval') {
    return new LoginError('needs-approval', `${APPROVAL}; nobody did ${within}`)
  }
  if (last?.state !== 'needs-login') {
    return new CommandLineError(
      `the node is not up ${within}: it is ${last?.state ?? 'starting'}; tailproxy doctor finds out why`,
    )
  }
  if (last.detail === 'key-expired') {
    const message = `the key of this node has expired, and nobody logged it in again ${within}`
    return new LoginError('key-expired', message)
  }
  return new LoginError('needs-login', `nobody logged this node in ${within}`)
}

/**
 * What became of a session says what its node lacks, where it does. The control server's refusals have
 * one code; what they say tells an old key from a wrong one.
 */
export function loginErrorOf(error: unknown): unknown {
  const isOfSession =
    error instanceof SessionRefusedError ||
    error instanceof SessionLaunchError ||
    error instanceof SessionStartError
  if (!isOfSession) return error
  const { reason, message } = error
  if (reason === 'key-expired' || (reason === 'denied' && /\bexpired\b/.test(message))) {
    return new LoginError('key-expired', message, { cause: error })
  }
  return reason === 'denied' ? new LoginError('refused', message, { cause: error }) : error
}
