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

/** A running session does not do what it was asked. `reason` is its code, as `taken` or `not-found`. */
export class SessionRefusedError extends Error {
  override readonly name = 'SessionRefusedError'
  readonly code = 'ERR_SESSION_REFUSED'
  readonly reason: string

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/**
 * Who leaves has connections that it has not accepted yet: what is written to one then is EPIPE, and what is
 * read from it ECONNRESET.
 */
const GONE = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'])

/** Nobody answers at a session's socket, or not in a way that this version understands. */
export class SessionAwayError extends Error {
  override readonly name = 'SessionAwayError'
  readonly code = 'ERR_SESSION_AWAY'

  constructor(socket: string, options: { cause: unknown }) {
    const { cause } = options
    const why = cause instanceof Error ? cause.message : String(cause)
    super(`the session at ${socket} does not answer: ${why}`, options)
  }

  /** Whether nobody is there at all, or it has just left, so that there may be another. */
  get isGone(): boolean {
    return GONE.has((this.cause as NodeJS.ErrnoException | undefined)?.code ?? '')
  }
}

/** The session was closed, by whoever opened it. */
export class SessionEndedError extends Error {
  override readonly name = 'SessionEndedError'
  readonly code = 'ERR_SESSION_ENDED'

  constructor(message = 'the session has ended') {
    super(message)
  }
}

/** A session in the background did not start. `reason` is a stable code. */
export class SessionLaunchError extends Error {
  override readonly name = 'SessionLaunchError'
  readonly code = 'ERR_SESSION_LAUNCH'
  readonly reason: string

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** An option of `connect()` that cannot be. */
export class ConnectOptionsError extends Error {
  override readonly name = 'ConnectOptionsError'
  readonly code = 'ERR_SESSION_OPTIONS'
}

/** Somebody has to log the node in, at `url`, and the program did not ask to be told. */
export class LoginNeededError extends Error {
  override readonly name = 'LoginNeededError'
  readonly code = 'ERR_SESSION_LOGIN'
  readonly url: string

  constructor(url: string, options?: ErrorOptions) {
    super(`the node is not logged in; give an authKey, or an onAuthUrl that shows ${url}`, options)
    this.url = url
  }
}
