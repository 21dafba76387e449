import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { z } from 'zod'
import { SessionAwayError, SessionRefusedError } from './errors.ts'
import { SESSION_API } from './session-api.ts'

/** Milliseconds. The session answers from memory, or when its sidecar has. */
export const DEFAULT_SESSION_TIMEOUT = 30_000

// Loose: a younger session may say more.
const Exported = z.object({
  network: z.string(),
  port: z.number(),
  targets: z.array(z.string()),
  addresses: z.array(z.string()),
  connections: z.number(),
  accepted: z.number(),
  refused: z.number(),
  bytesUp: z.number(),
  bytesDown: z.number(),
  pids: z.array(z.number()),
  /** Why the last connection was not let in, or not forwarded. */
  error: z.object({ code: z.string(), message: z.string() }).optional(),
})
/** An export, as a session tells of it. */
export type SessionExport = z.infer<typeof Exported>

const Listed = z.object({
  run: z.string(),
  command: z.array(z.string()),
  pid: z.number(),
  since: z.string(),
  lingering: z.boolean(),
})

const Status = z.object({
  pid: z.number(),
  version: z.string(),
  state: z.string(),
  detail: z.string().optional(),
  /** Where somebody has to log the node in. */
  url: z.string().optional(),
  since: z.string(),
  stateDirectory: z.string(),
  log: z.string().optional(),
  pinned: z.boolean(),
  idleAt: z.string().optional(),
  runs: z.array(Listed),
  exports: z.array(Exported),
  sidecar: z
    .object({
      node: z.object({ name: z.string(), addresses: z.array(z.string()) }).optional(),
      peers: z.number(),
      flows: z.number(),
      opened: z.number(),
      bytesUp: z.number(),
      bytesDown: z.number(),
    })
    .optional(),
})
/** How a session does, as it tells itself. */
export type SessionStatus = z.infer<typeof Status>

/** A port of this host to export. */
export interface ExportTarget {
  port: number
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

  constructor(socket: string) {
    this.#socket = socket
  }

  /** @throws {SessionAwayError} @throws {SessionRefusedError} */
  async status(): Promise<SessionStatus> {
    return this.#read(Status, await this.#ask('GET', '/v1/status'))
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
  async unexport(port: number): Promise<void> {
    await this.#ask('DELETE', `/v1/exports/${port}`)
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
    const asked = request({
      socketPath: this.#socket,
      method,
      path,
      signal: AbortSignal.timeout(DEFAULT_SESSION_TIMEOUT),
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
      throw new SessionAwayError(this.#socket, { cause })
    }
  }

  #read<T>(schema: z.ZodType<T>, answer: unknown): T {
    const parsed = schema.safeParse(answer)
    if (parsed.success) return parsed.data
    throw new SessionAwayError(this.#socket, { cause: parsed.error })
  }
}
