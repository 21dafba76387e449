import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { z } from 'zod'
import { SessionAwayError, SessionRefusedError } from './errors.ts'
import {
  ChosenExitNode,
  ExitNodes,
  Exported,
  Flows,
  Network,
  Peer,
  Ping,
  type SessionExitNode,
  type SessionExitNodes,
  type SessionExport,
  type SessionFlows,
  type SessionNetwork,
  type SessionPeer,
  type SessionPing,
  type SessionStatus,
  Status,
} from './session-answers.ts'
import { SESSION_API } from './session-api.ts'

/** Milliseconds. The session answers from memory, or when its sidecar has. */
export const DEFAULT_SESSION_TIMEOUT = 30_000

/** A port of this host to export. */
export interface ExportTarget {
  port: number
  /** @default 'tcp' */
  network?: 'tcp' | 'udp' | undefined
  /** Where it listens, if not on loopback. */
  address?: string | undefined
}

/** What holds for an export; without it, what holds for the session. */
export interface ExportTerms {
  /** As they were collected. */
  settings: object
  cwd: string
}

const Problem = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

/** Asks a running session, over the socket that its session file names. */
export class SessionClient {
  readonly #socket: string
  readonly #signal: AbortSignal | undefined

  /** @param options.signal ends what is asked, with its reason */
  constructor(socket: string, { signal }: { signal?: AbortSignal } = {}) {
    this.#socket = socket
    this.#signal = signal
  }

  /** @throws {SessionAwayError} @throws {SessionRefusedError} */
  async status(): Promise<SessionStatus> {
    return this.#read(Status, await this.#ask('GET', '/v1/status'))
  }

  /** The newest open flows, at most `limit`. */
  async flows(limit: number): Promise<SessionFlows> {
    return this.#read(Flows, await this.#ask('GET', `/v1/flows?limit=${limit}`))
  }

  /** @throws {SessionAwayError} @throws {SessionRefusedError} */
  async exports(): Promise<SessionExport[]> {
    const answer = await this.#ask('GET', '/v1/exports')
    return this.#read(z.object({ exports: z.array(Exported) }), answer).exports
  }

  /** @throws {SessionAwayError} @throws {SessionRefusedError} with the code of the refusal */
  async export(target: ExportTarget, terms?: ExportTerms): Promise<SessionExport> {
    const answer = await this.#ask('POST', '/v1/exports', { ...target, ...terms })
    return this.#read(z.object({ export: Exported }), answer).export
  }

  /** @throws {SessionAwayError} @throws {SessionRefusedError} `not-found` when there is none */
  async unexport(port: number, network: 'tcp' | 'udp' = 'tcp'): Promise<void> {
    const query = network === 'udp' ? '?network=udp' : ''
    await this.#ask('DELETE', `/v1/exports/${port}${query}`)
  }

  /** @throws {SessionAwayError} @throws {SessionRefusedError} */
  async exitNodes(): Promise<SessionExitNodes> {
    return this.#read(ExitNodes, await this.#ask('GET', '/v1/exit-nodes'))
  }

  /** The exit node that `auto` would choose now, if there is one. */
  async suggestExitNode(): Promise<SessionExitNode | undefined> {
    return this.#read(ChosenExitNode, await this.#ask('GET', '/v1/exit-nodes/suggestion')).node
  }

  /**
   * Chooses the first of `nodes` that can be used, or with none of them goes without.
   *
   * @throws {SessionAwayError}
   * @throws {SessionRefusedError} with the code of the sidecar's; what was chosen before holds on
   */
  async setExitNode(
    nodes: readonly string[],
    { lanAccess = false }: { lanAccess?: boolean } = {},
  ): Promise<SessionExitNode | undefined> {
    const answer = await this.#ask('PUT', '/v1/exit-node', { nodes, lanAccess })
    return this.#read(ChosenExitNode, answer).node
  }

  /** @throws {SessionAwayError} @throws {SessionRefusedError} */
  async peers(): Promise<SessionPeer[]> {
    return this.#read(z.object({ peers: z.array(Peer) }), await this.#ask('GET', '/v1/peers')).peers
  }

  /**
   * Asks a peer, by name or address, for an answer.
   *
   * @param timeout milliseconds
   * @throws {SessionRefusedError} `timed-out` when none came, `no-such-host` when there is no such peer
   */
  async ping(peer: string, timeout: number): Promise<SessionPing> {
    return this.#read(Ping, await this.#ask('POST', '/v1/pings', { peer, timeoutMs: timeout }))
  }

  /** Has the node look at the network that this host is in. */
  async netcheck(): Promise<SessionNetwork> {
    return this.#read(Network, await this.#ask('GET', '/v1/netcheck'))
  }

  /**
   * Has the node logged out; then the session ends.
   *
   * @throws {SessionRefusedError} when the control server could not be told
   */
  async logout(): Promise<void> {
    await this.#ask('POST', '/v1/logout')
  }

  /** Whether it stays when nobody uses it. */
  async pin(pinned: boolean): Promise<void> {
    await this.#ask('POST', '/v1/pin', { pinned })
  }

  /** Has it end. @returns the process that does */
  async stop(): Promise<number> {
    return this.#read(z.object({ pid: z.number() }), await this.#ask('POST', '/v1/stop')).pid
  }

  async #ask(method: string, path: string, body?: object): Promise<unknown> {
    const text = body && JSON.stringify(body)
    const timeout = AbortSignal.timeout(DEFAULT_SESSION_TIMEOUT)
    const asked = request({
      socketPath: this.#socket,
      method,
      path,
      signal: this.#signal ? AbortSignal.any([this.#signal, timeout]) : timeout,
      // One question a command: a connection that is kept would keep the process.
      agent: false,
      headers: {
        'tailproxy-session': SESSION_API,
        ...(text === undefined ? {} : { 'content-length': Buffer.byteLength(text) }),
      },
    })
    try {
      asked.end(text)
      const [response] = (await once(asked, 'response')) as [IncomingMessage]
      const { statusCode = 0 } = response
      if (statusCode === 204) {
        response.resume()
        return undefined
      }
      const answer = await json(response)
      if (statusCode < 300) return answer
      const { error } = Problem.parse(answer)
      throw new SessionRefusedError(error.code, error.message)
    } catch (cause) {
      if (cause instanceof SessionRefusedError) throw cause
      this.#signal?.throwIfAborted()
      throw new SessionAwayError(this.#socket, { cause })
    }
  }

  #read<T>(schema: z.ZodType<T>, answer: unknown): T {
    const parsed = schema.safeParse(answer)
    if (parsed.success) return parsed.data
    throw new SessionAwayError(this.#socket, { cause: parsed.error })
  }
}
