import type { ErrorCode } from './error-code.ts'

/** The contract: a code never changes its meaning, a message may. */
export type SidecarErrorCode =
  | 'ERR_SIDECAR_REQUEST'
  | 'ERR_SIDECAR_EXITED'
  | 'ERR_SIDECAR_SPAWN'
  | 'ERR_SIDECAR_PROTOCOL'
  | 'ERR_SIDECAR_CHANNEL_CLOSED'

/** What every error of this package is, so that one `instanceof` finds them. */
export abstract class SidecarError extends Error {
  abstract override readonly name: string
  abstract readonly code: SidecarErrorCode
}

/** The sidecar answered a request with an error. `reason` is its stable code. */
export class SidecarRequestError extends SidecarError {
  override readonly name = 'SidecarRequestError'
  readonly code = 'ERR_SIDECAR_REQUEST'
  readonly reason: ErrorCode
  readonly method: string

  constructor(method: string, reason: ErrorCode, message: string, options?: ErrorOptions) {
    super(message || `the sidecar failed "${method}" with "${reason}"`, options)
    this.method = method
    this.reason = reason
  }
}

/** The sidecar's process ended while it was still needed. */
export class SidecarExitedError extends SidecarError {
  override readonly name = 'SidecarExitedError'
  readonly code = 'ERR_SIDECAR_EXITED'
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null

  constructor(exitCode: number | null, signal: NodeJS.Signals | null, stderr: string) {
    const how = signal ? `was ended by ${signal}` : `ended with status ${exitCode}`
    const said = stderr.trim()
    super(`the sidecar ${how}${said ? `; it last said: ${said}` : ''}`)
    this.exitCode = exitCode
    this.signal = signal
  }
}

/** The sidecar's binary could not be started at all. */
export class SidecarSpawnError extends SidecarError {
  override readonly name = 'SidecarSpawnError'
  readonly code = 'ERR_SIDECAR_SPAWN'

  constructor(binary: string, options: { cause: unknown }) {
    super(`cannot start the sidecar ${binary}: ${reasonOf(options.cause)}`, options)
  }
}

/** What exec(2) means by its errors, and what helps. */
const SPAWN_REASONS: Partial<Record<string, string>> = {
  ENOENT: 'there is no such file, or the interpreter that it asks for is missing; install it again',
  EACCES:
    'it may not be executed: its mode does not allow it (chmod 755), or its file system is mounted noexec',
  ENOEXEC: 'it is no program for this machine; install the one for this platform',
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  return SPAWN_REASONS[(cause as NodeJS.ErrnoException).code ?? ''] ?? cause.message
}

/** A line on the channel was none that this version knows: driver and sidecar do not match. */
export class SidecarProtocolError extends SidecarError {
  override readonly name: string = 'SidecarProtocolError'
  readonly code = 'ERR_SIDECAR_PROTOCOL'
}

/** A message outgrew its limit. */
export class MessageTooLongError extends SidecarProtocolError {
  override readonly name = 'MessageTooLongError'

  constructor(limit: number) {
    super(`a message on the sidecar channel is longer than ${limit} bytes`)
  }
}

/** The channel is closed, by `stop()` or from the other side. */
export class ChannelClosedError extends SidecarError {
  override readonly name: string = 'ChannelClosedError'
  readonly code = 'ERR_SIDECAR_CHANNEL_CLOSED'
}

/** The other side closed the channel, most likely because it died: its exit will say more. */
export class ChannelLostError extends ChannelClosedError {
  override readonly name = 'ChannelLostError'
}
