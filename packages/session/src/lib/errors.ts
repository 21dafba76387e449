import type { ErrorCode } from '@tailproxy/sidecar'

/** The state directory is not one that a node's keys may be kept in. */
export class StateDirectoryError extends Error {
  override readonly name = 'StateDirectoryError'
  readonly code = 'ERR_SESSION_STATE_DIRECTORY'
}

/** There is no place for the socket through which captured programs connect. */
export class DialSocketError extends Error {
  override readonly name = 'DialSocketError'
  readonly code = 'ERR_SESSION_DIAL_SOCKET'
}

/** The node could not be brought up. `reason` is the sidecar's stable code. */
export class SessionStartError extends Error {
  override readonly name = 'SessionStartError'
  readonly code = 'ERR_SESSION_START'
  readonly reason: ErrorCode

  constructor(reason: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}
