import { replyOf, type Sidecar, SidecarRequestError } from '@tailproxy/sidecar'
import {
  createServerSession,
  type DialAction,
  normalizeSocksAddress,
  ReplyCode,
  type ResolveAction,
  type ServerAction,
  type ServerSession,
} from '@tailproxy/socks5'
import type { Credentials } from './credentials.ts'

/** Milliseconds. Far below tcp(7)'s ~127 s of SYN retries, so this is the error users see. */
export const DEFAULT_DIAL_TIMEOUT = 10_000

/** DNS TYPE values (RFC 1035 section 3.2.2, RFC 3596 section 2.1). */
const TYPE_A = 1
const TYPE_AAAA = 28

export interface HandshakeRelayOptions {
  sidecar: Sidecar
  credentials: Credentials
  /** Milliseconds, looking the name up included. @default 10_000 */
  dialTimeout?: number
}

/**
 * Negotiates SOCKS5 with the sidecar's clients. Each of their `client` events is answered by
 * exactly one decision (docs/sidecar-channel.md); payload never comes here.
 */
export class HandshakeRelay {
  readonly #sidecar: Sidecar
  readonly #options: HandshakeRelayOptions
  readonly #sessions = new Map<number, ServerSession>()

  constructor(options: HandshakeRelayOptions) {
    this.#sidecar = options.sidecar
    this.#options = options
    this.#sidecar.on('client', (client, bytes) => this.#receive(client, bytes))
    this.#sidecar.on('clientGone', (client) => this.#sessions.delete(client))
  }

  #receive(client: number, bytes: Uint8Array): void {
    let session = this.#sessions.get(client)
    if (!session) {
      session = createServerSession({
        authenticate: ({ username, password }) =>
          this.#options.credentials.verify(username, password),
        commands: ['connect', 'resolve', 'resolve-ptr'],
      })
      this.#sessions.set(client, session)
    }
    this.#act(client, session, session.receive(bytes))
  }

  #act(client: number, session: ServerSession, action: ServerAction): void {
    switch (action.type) {
      case 'write':
        this.#sidecar.clientWrite(client, action.bytes)
        return
      case 'dial':
        void this.#dial(client, session, action)
        return
      case 'resolve':
        void this.#resolve(client, session, action)
        return
      default:
        this.#close(client, action.type === 'close' ? action.bytes : undefined)
    }
  }

  async #dial(client: number, session: ServerSession, action: DialAction): Promise<void> {
    // A name that is an address is one, for the rules too.
    const destination = normalizeSocksAddress(action.request.destination)
    try {
      const run = this.#runOf(action.username)
      await this.#sidecar.clientDial({
        client,
        run,
        host: destination.host,
        port: destination.port,
        deadlineMs: this.#options.dialTimeout ?? DEFAULT_DIAL_TIMEOUT,
        onSuccess: action.onSuccess,
        leftover: action.leftover,
      })
      session.spliced()
      this.#sessions.delete(client)
    } catch (error) {
      this.#close(client, session.failed(replyTo(error)).bytes)
    }
  }

  async #resolve(client: number, session: ServerSession, action: ResolveAction): Promise<void> {
    try {
      const host = await this.#lookUp(action)
      const { bytes } = host ? session.resolved(host) : session.failed(ReplyCode.hostUnreachable)
      this.#close(client, bytes)
    } catch (error) {
      this.#close(client, session.failed(replyTo(error)).bytes)
    }
  }

  /**
   * Tor's RESOLVE has no way to ask for a family, and no use for DST.PORT. Ours carries the DNS
   * type that is wanted there, 0 for whichever there is; a server that knows nothing of it answers
   * as it always did.
   */
  async #lookUp({ request, username }: ResolveAction): Promise<string | undefined> {
    const { host, port, type } = request.destination
    const run = this.#runOf(username)
    if (request.command === 'resolve-ptr') {
      const { names } = await this.#sidecar.resolve({ name: host, types: ['PTR'], run })
      return names[0]
    }
    if (type !== 'domain') return host
    const types: ('A' | 'AAAA')[] =
      port === TYPE_A ? ['A'] : port === TYPE_AAAA ? ['AAAA'] : ['A', 'AAAA']
    const { addresses } = await this.#sidecar.resolve({ name: host, types, run })
    return addresses[0]
  }

  /**
   * A run goes by its user's name. It may end between its client's credentials and its request;
   * without it there is no policy.
   */
  #runOf(user: string | undefined): string {
    if (user === undefined || !this.#options.credentials.has(user)) throw new RunOverError()
    return user
  }

  #close(client: number, bytes?: Uint8Array): void {
    this.#sessions.delete(client)
    this.#sidecar.clientClose(client, bytes)
  }
}

/** The run whose credentials a client gave has ended since. */
class RunOverError extends Error {
  override readonly name = 'RunOverError'
}

function replyTo(error: unknown): number {
  if (error instanceof RunOverError) return ReplyCode.notAllowed
  return error instanceof SidecarRequestError ? replyOf(error.reason) : ReplyCode.generalFailure
}
