import type http from 'node:http'
import type https from 'node:https'
import { isIP, type Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { TailnetNode } from '@tailproxy/sidecar'
import {
  AddressError,
  DomainNameError,
  FieldError,
  ReplyError,
  TimeoutError,
} from '@tailproxy/socks5'
import { connectSocks5 } from '@tailproxy/socks5/client'
import { DialError, dialErrorCodeOf } from './dial-error.ts'
import { SessionEndedError } from './errors.ts'
import type { Run } from './run.ts'
import type { Session } from './session.ts'
import { TailnetAgent, TailnetHttpsAgent } from './tailnet-agents.ts'
import { type Connector, createConnector } from './tailnet-connector.ts'

/** Milliseconds for all of a dial. Longer than the session itself takes, whose reason is the better one. */
export const DEFAULT_TAILNET_DIAL_TIMEOUT = 15_000

/** Milliseconds. The resolver has just been asked for the same. */
const RESOLVE_AGAIN = 2_000

export interface DialOptions {
  /** A name of the tailnet, in full or without its domain, or an address; IPv6 with brackets or without. */
  host: string
  port: number
  /** As in `net.connect`. @default false */
  allowHalfOpen?: boolean | undefined
  /** Milliseconds. @default 15_000 */
  timeout?: number | undefined
  /** Aborting it rejects with its reason. A connection that is there stays. */
  signal?: AbortSignal | undefined
}

interface TailnetParts {
  session: Session
  run: Run
  /** Takes away what was made for it alone. */
  dispose: () => void
}

/** A program's place on a tailnet, from `connect()`. */
export class Tailnet {
  /** For what this class has no word for: exports, events, exit nodes. Its end is this one's. */
  readonly session: Session
  readonly #run: Run
  readonly #dispose: () => void
  readonly #sockets = new Set<Socket>()
  #closed: Promise<void> | undefined

  constructor({ session, run, dispose }: TailnetParts) {
    this.session = session
    this.#run = run
    this.#dispose = dispose
  }

  /** The program's own node: its name and addresses. */
  get node(): TailnetNode {
    return this.session.node
  }

  /**
   * Connects to a host of the tailnet, or beyond through the exit node; never from this host. The
   * socket's own addresses are those of the way to the session, on loopback; `getBoundAddress()` of
   * `@tailproxy/socks5/client` has the tailnet's.
   *
   * @throws {DialError} with why not
   * @throws {SessionEndedError} when it is closed
   * @throws {Socks5Error} for a host or port that is none
   */
  async dial(options: DialOptions): Promise<Socket> {
    const { allowHalfOpen = false, timeout = DEFAULT_TAILNET_DIAL_TIMEOUT, signal } = options
    const destination = { host: options.host.replace(/^\[(.*)\]$/, '$1'), port: options.port }
    const { user: username, password } = this.#run
    try {
      this.#refuseUnlessUp()
      const { host, port } = this.session
      const socket = await connectSocks5({
        proxy: { host, port },
        credentials: { username, password },
        destination,
        optimistic: true,
        allowHalfOpen,
        timeout,
        ...(signal ? { signal } : {}),
      })
      return this.#keep(socket)
    } catch (error) {
      throw await this.#whyNot(error, destination, signal)
    }
  }

  /**
   * An agent for `node:http`. Each call makes one, with connections of its own; `close()` ends them.
   *
   * @param options as of `http.Agent`, such as `keepAlive`
   */
  agent(options?: http.AgentOptions): http.Agent {
    return new TailnetAgent((target) => this.dial(target), options)
  }

  /** One for `node:https`. @param options as of `https.Agent`, such as `ca` */
  httpsAgent(options?: https.AgentOptions): https.Agent {
    return new TailnetHttpsAgent((target) => this.dial(target), options)
  }

  /**
   * What `new Agent({ connect })` of undici takes, whose agents are what `fetch` calls a dispatcher.
   *
   * @param options of TLS, such as `ca`
   */
  connector(options: ConnectionOptions = {}): Connector {
    return createConnector((target) => this.dial(target), options)
  }

  /** Leaves: every connection ends, and the node with its process. Safe to call twice. */
  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #end(): Promise<void> {
    // Before the session resets them, which a program that listens for no errors would die of.
    for (const socket of this.#sockets) socket.destroy()
    await this.session.close()
    this.#dispose()
  }

  #keep(socket: Socket): Socket {
    try {
      // While there is no sidecar its port is anybody's: what answered there may have been somebody else.
      this.#refuseUnlessUp()
    } catch (error) {
      socket.destroy()
      throw error
    }
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    return socket
  }

  #refuseUnlessUp(): void {
    if (this.#closed) throw new SessionEndedError('the tailnet was left by close()')
    const { downReason } = this.session
    if (downReason) throw downReason
  }

  async #whyNot(
    cause: unknown,
    target: { host: string; port: number },
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    if (signal?.aborted) return signal.reason
    if (isOfCaller(cause) || cause instanceof SessionEndedError) return cause
    if (this.#closed) return new SessionEndedError('the tailnet was left by close()')
    if (cause instanceof TimeoutError) return new DialError('ERR_DIAL_TIMED_OUT', target, { cause })
    if (!(cause instanceof ReplyError)) return new DialError('ERR_DIAL_FAILED', target, { cause })
    const { replyCode } = cause
    const code = dialErrorCodeOf(cause)
    const isUnknown =
      code === 'ERR_DIAL_UNREACHABLE' &&
      isIP(target.host) === 0 &&
      (await this.#hasNoAddress(target.host))
    return new DialError(isUnknown ? 'ERR_DIAL_NO_SUCH_HOST' : code, target, { cause, replyCode })
  }

  /** SOCKS5 has one reply for both, so it is asked once more, where it is too late to cost anything. */
  async #hasNoAddress(name: string): Promise<boolean> {
    try {
      const sidecar = await this.session.sidecar()
      const { addresses } = await sidecar.resolve(
        { name, types: ['A', 'AAAA'], run: this.#run.id },
        AbortSignal.timeout(RESOLVE_AGAIN),
      )
      return addresses.length === 0
    } catch {
      return false
    }
  }
}

/** A host or port that no request can have. */
function isOfCaller(error: unknown): boolean {
  return (
    error instanceof AddressError || error instanceof DomainNameError || error instanceof FieldError
  )
}
