import { abortable } from './abortable.ts'
import type { ClientConnection } from './client-connection.ts'
import type { Credentials } from './credentials.ts'
import { AuthenticationError } from './errors.ts'
import { EMPTY } from './octets.ts'
import type { ServerAction } from './server-action.ts'
import type { Socks5ServerOptions } from './server-options.ts'
import type { ServerSession } from './server-session.ts'

export interface NegotiateOptions {
  authenticate: NonNullable<Socks5ServerOptions['authenticate']>
  signal: AbortSignal
}

/** A request to be served, or a refusal. */
export type Outcome = Exclude<ServerAction, { type: 'write' | 'authenticate' | 'splice' | 'hold' }>

/**
 * Reads and answers until the client has made its request.
 * @throws {ClosedError} if the client leaves, or the signal's reason
 */
export async function negotiate(
  client: ClientConnection,
  session: ServerSession,
  { authenticate, signal }: NegotiateOptions,
): Promise<Outcome> {
  let action = session.receive(EMPTY)
  for (;;) {
    switch (action.type) {
      case 'write':
        client.write(action.bytes)
        action = session.receive(await client.inbox.next(signal))
        break
      case 'authenticate':
        action = await judge(action.credentials)
        break
      case 'splice':
      case 'hold':
        throw new Error(`session has gone on to ${action.type} without being told to`)
      default:
        return action
    }
  }

  async function judge(credentials: Credentials): Promise<ServerAction> {
    try {
      const judging = Promise.resolve(authenticate(credentials, client.info))
      const accepted = await abortable(judging, signal)
      if (accepted === true) client.authenticatedAs(credentials.username)
      return session.authenticated(accepted)
    } catch (cause) {
      signal.throwIfAborted()
      const refused = session.authenticated(false)
      if (refused.type !== 'close') return refused
      return { ...refused, error: new AuthenticationError({ cause }) }
    }
  }
}
