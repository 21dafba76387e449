import { once } from 'node:events'
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { DRIVER_VERSION, SidecarRequestError } from '@tailproxy/sidecar'
import { z } from 'zod'
import { SessionStartError } from './errors.ts'
import { SESSION_API } from './session-api.ts'

/** Bytes. Settings are the longest that is sent. */
const MAX_BODY = 1 << 20
/** Milliseconds that open answers have to come to their end. */
const LAST_WORDS = 500
/** Milliseconds for a request to have come. */
const REQUEST_TIMEOUT = 10_000

interface Asked {
  request: IncomingMessage
  response: ServerResponse
  /** What stands for the `*` of the route. */
  parameter: string
}

/** Answers with a body of JSON, with an {@link Answer}, or by writing the response itself. */
type Handler = (asked: Asked) => Promise<object | Answer | undefined>
/** By method and path, as `GET /v1/status`; a `*` at the end is one segment. */
export type Routes = Record<string, Handler>

/** An answer of another status than 200. */
export class Answer {
  readonly status: number
  readonly body: object | string | undefined
  readonly type: string

  constructor(status: number, body?: object | string, type = 'application/json') {
    this.status = status
    this.body = body
    this.type = type
  }
}

/** What a request asked for cannot be had; `code` is stable. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
    this.code = code
  }
}

export interface RouteServer {
  /** Ends what is open, and removes the socket. */
  close(): Promise<void>
}

/**
 * Serves on a Unix socket (0600) in a directory that is the user's alone. What is left of a session
 * that died is replaced: the caller has the state directory, so that there is no other.
 */
export async function serveRoutes(
  routes: Routes,
  place: string | { fd: number },
): Promise<RouteServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT }, (request, response) => {
    // Somebody who goes away before the end is no failure of ours.
    response.on('error', () => {})
    void answer(routes, request, response)
  })
  try {
    if (typeof place === 'string') rmSync(place, { force: true })
    server.listen(place)
    await once(server, 'listening')
    if (typeof place === 'string') chmodSync(place, 0o600)
  } catch (cause) {
    const where = typeof place === 'string' ? `at ${place}` : `on descriptor ${place.fd}`
    const message = `cannot serve commands ${where}: ${(cause as Error).message}`
    throw new SessionStartError('internal', message, { cause })
  }
  return {
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      // What is being answered has a moment for its last words.
      const timer = setTimeout(() => server.closeAllConnections(), LAST_WORDS)
      await closed
      clearTimeout(timer)
    },
  }
}

/** The body of a request, checked. */
export async function readBody<T>(schema: z.ZodType<T>, request: IncomingMessage): Promise<T> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BODY) {
      throw new Problem(413, 'invalid', `a request is at most ${MAX_BODY} bytes long`)
    }
    chunks.push(chunk)
  }
  const parsed = schema.safeParse(parse(Buffer.concat(chunks).toString()))
  if (parsed.success) return parsed.data
  throw new Problem(
    400,
    'invalid',
    `the request is not understood: ${z.prettifyError(parsed.error)}`,
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function answer(
  routes: Routes,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('tailproxy-session', SESSION_API)
  response.setHeader('tailproxy-version', DRIVER_VERSION)
  try {
    const { handler, parameter } = find(routes, request)
    const answered = await handler({ request, response, parameter })
    if (answered instanceof Answer) write(response, answered)
    else if (answered) write(response, new Answer(200, answered))
  } catch (error) {
    const { status, code, message } = problemOf(error as Error)
    if (response.headersSent) response.destroy()
    else write(response, new Answer(status, { error: { code, message } }))
  }
}

function find(
  routes: Routes,
  { method = '', url = '', headers }: IncomingMessage,
): { handler: Handler; parameter: string } {
  const wanted = headers['tailproxy-session']
  if (wanted !== undefined && wanted !== String(SESSION_API) && url !== '/v1/stop') {
    const message = `this session speaks version ${SESSION_API} of its socket (it is of TailProxy ${DRIVER_VERSION}), the command version ${wanted}; end it with tailproxy down`
    throw new Problem(400, 'version', message)
  }
  const [path = ''] = url.split('?', 1)
  const exact = routes[`${method} ${path}`]
  if (exact) return { handler: exact, parameter: '' }
  const cut = path.lastIndexOf('/') + 1
  const handler = routes[`${method} ${path.slice(0, cut)}*`]
  const parameter = decoded(path.slice(cut))
  if (handler && parameter) return { handler, parameter }
  const message = `this session knows no ${method} ${path}; the command may be newer than the session`
  throw new Problem(404, 'unknown', message)
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

function problemOf(error: Error): { status: number; code: string; message: string } {
  if (error instanceof Problem) return error
  // The sidecar's word is what the user has to know, its code as stable as ours.
  if (error instanceof SidecarRequestError) {
    return { status: 409, code: error.reason, message: error.message }
  }
  return { status: 500, code: 'internal', message: error.message }
}

function write(response: ServerResponse, { status, body, type }: Answer): void {
  const text = typeof body === 'object' ? JSON.stringify(body) : body
  response.writeHead(status, text === undefined ? {} : { 'content-type': type })
  response.end(text)
}
