import { once } from 'node:events'
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import process from 'node:process'
import { json } from 'node:stream/consumers'
import type { Export, Outcome } from '@tailproxy/exporter'
import type { SidecarStatus } from '@tailproxy/sidecar'
import { z } from 'zod'

/** What a command of the same user may ask of a session: HTTP over its Unix socket. */
export interface SessionService {
  status(): Promise<SidecarStatus>
  exports(): Export[]
  export(target: ExportTarget): Promise<Outcome>
  /** False when there was none. */
  unexport(port: number): Promise<boolean>
}

const Port = z.int().min(1).max(65_535)

export const ExportTarget = z.strictObject({ port: Port, address: z.string().min(1).optional() })
/** Somebody who listens on this host, on loopback unless an address is given. */
export type ExportTarget = z.infer<typeof ExportTarget>

/** Bytes. A request names a port. */
const MAX_BODY = 4096
/** Milliseconds for a request to have come. */
const REQUEST_TIMEOUT = 10_000

export interface SessionServer {
  close(): Promise<void>
}

/**
 * Serves on a Unix socket (0600) in a directory that is the user's alone. What is left of a session
 * that died is replaced: the caller has the state directory, so that there is no other.
 */
export async function serveSession(service: SessionService, path: string): Promise<SessionServer> {
  rmSync(path, { force: true })
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT }, (request, response) => {
    answer(service, request).then(
      ({ status, body }) => reply(response, status, body),
      (error: Error) => reply(response, 500, problem('internal', error.message)),
    )
  })
  server.listen(path)
  await once(server, 'listening')
  chmodSync(path, 0o600)
  return { close: () => close(server) }
}

interface Answer {
  status: number
  body?: object
}

async function answer(service: SessionService, request: IncomingMessage): Promise<Answer> {
  const { method = '', url = '' } = request
  const route = `${method} ${url.replace(/\/\d+$/, '/:port')}`
  switch (route) {
    case 'GET /v1/status': {
      const status = { pid: process.pid, ...(await service.status()), exports: service.exports() }
      return { status: 200, body: status }
    }
    case 'GET /v1/exports':
      return { status: 200, body: { exports: service.exports() } }
    case 'POST /v1/exports':
      return add(service, request)
    case 'DELETE /v1/exports/:port': {
      const found = await service.unexport(Number(url.split('/').at(-1)))
      return found ? { status: 204 } : { status: 404, body: problem('not-found', 'no such export') }
    }
    default: {
      const message = `this session knows no ${method} ${url}; the command may be newer than the session`
      return { status: 404, body: problem('unknown', message) }
    }
  }
}

async function add(service: SessionService, request: IncomingMessage): Promise<Answer> {
  if (Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY) > MAX_BODY) {
    return { status: 413, body: problem('invalid', `a request is at most ${MAX_BODY} bytes long`) }
  }
  const target = ExportTarget.safeParse(await json(request).catch(() => undefined))
  if (!target.success) return { status: 400, body: problem('invalid', target.error.message) }
  const outcome = await service.export(target.data)
  if (outcome.ok) return { status: 201, body: { export: outcome.export } }
  return { status: 409, body: problem(outcome.code, outcome.reason) }
}

function problem(code: string, message: string): object {
  return { error: { code, message } }
}

function reply(response: ServerResponse, status: number, body: object | undefined): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise<void>((resolve) => server.close(() => resolve()))
}
