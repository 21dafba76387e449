import type { Credentials } from './credentials.ts'
import type { Socks5Error } from './errors.ts'
import type { Request } from './request.ts'

/** What a driver has to do next. Each call of a session that returns one returns exactly one. */
export type ServerAction =
  | WriteAction
  | AuthenticateAction
  | DialAction
  | BindAction
  | AssociateAction
  | ResolveAction
  | SpliceAction
  | HoldAction
  | CloseAction

/** Write `bytes`, which may be none, then read on and call `receive()`. */
export interface WriteAction {
  type: 'write'
  bytes: Uint8Array
}

/** Judge the credentials, then call `authenticated()`. Until then read nothing. */
export interface AuthenticateAction {
  type: 'authenticate'
  credentials: Credentials
}

interface RequestAction {
  request: Request
  /** Who asks; `undefined` without authentication. */
  username: string | undefined
  /**
   * What a success reply consists of up to the bound address (ATYP, BND.ADDR, BND.PORT), with all
   * that is still owed to the client before it. Only for a driver that has the reply written
   * elsewhere: `dialed()` and `failed()` answer with everything owed.
   */
  onSuccess: Uint8Array
  /** What came after the request: the first bytes for the other end. */
  leftover: Uint8Array
}

/**
 * CONNECT: connect to `request.destination`, then call `dialed()`, `failed()`, or `spliced()` when
 * the reply has been written elsewhere.
 */
export interface DialAction extends RequestAction {
  type: 'dial'
}

/** BIND: listen, call `listening()`, wait for the one connection, call `dialed()`; or `failed()`. */
export interface BindAction extends RequestAction {
  type: 'bind'
}

/** UDP ASSOCIATE: open a relay, then call `associated()` or `failed()`. */
export interface AssociateAction extends RequestAction {
  type: 'associate'
}

/** RESOLVE or RESOLVE_PTR: look `request.destination` up, then call `resolved()` or `failed()`. */
export interface ResolveAction extends RequestAction {
  type: 'resolve'
}

/** Write `bytes` to the client and `leftover` to the other end, then copy both ways. The end. */
export interface SpliceAction {
  type: 'splice'
  bytes: Uint8Array
  leftover: Uint8Array
}

/** Write `bytes` and keep the connection: the association lives as long as it does. The end. */
export interface HoldAction {
  type: 'hold'
  bytes: Uint8Array
}

/** Write `bytes`, the last words, which may be none, and close. The end. */
export interface CloseAction {
  type: 'close'
  bytes: Uint8Array
  /** Why, for a log; `undefined` after `resolved()` and `failed()`, where the driver knows. */
  error: Socks5Error | undefined
}
