import { once } from 'node:events'
import { statSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { createServer } from 'node:net'
import path from 'node:path'
import process from 'node:process'
import { json } from 'node:stream/consumers'
import type { Export } from '@tailproxy/exporter'
import type { SidecarStatus } from '@tailproxy/sidecar'
import { expect, onTestFinished } from 'vitest'
import { test } from '../testing/session.ts'
import { SessionClient } from './session-client.ts'
import { type SessionService, serveSession } from './session-server.ts'

const EXPORT: Export = {
  network: 'tcp',
  port: 8080,
  targets: ['127.0.0.1:8080'],
  addresses: ['100.64.0.9:8080'],
  export: 1,
  connections: 2,
  accepted: 3,
  refused: 4,
  bytesUp: 5,
  bytesDown: 6,
  listeners: 1,
  pids: [7],
}

const STATUS: SidecarStatus = {
  state: 'running',
  node: {
    id: 'n1',
    hostname: 'web',
    name: 'web.example.ts.net',
    addresses: ['100.64.0.9'],
    tailnet: 'example',
    magicDnsSuffix: 'example.ts.net',
  },
  peers: 3,
  negotiating: 0,
  flows: 1,
  opened: 2,
  bytesUp: 3,
  bytesDown: 4,
  runs: [],
}

/** A session that has one export. */
async function serve(directory: string, service: Partial<SessionService> = {}) {
  const socket = path.join(directory, 'session.sock')
  const all = {
    status: async () => STATUS,
    exports: () => [EXPORT],
    export: async () => ({ ok: true, export: EXPORT }) as const,
    unexport: async (port: number) => port === EXPORT.port,
    ...service,
  }
  const server = await serveSession(all, socket)
  onTestFinished(() => server.close())
  return { socket, client: new SessionClient(socket), server }
}

async function ask(socketPath: string, method: string, url: string, body?: string) {
  const headers = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  const asked = request({ socketPath, method, path: url, headers })
  asked.end(body)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return { status: response.statusCode, body: await json(response) }
}

test('tells what is exported', async ({ directory }) => {
  const { client } = await serve(directory)
  expect(await client.exports()).toMatchObject([{ port: 8080, targets: ['127.0.0.1:8080'] }])
})

test('tells how the session does', async ({ directory }) => {
  const { client } = await serve(directory, {
    exports: () => [{ ...EXPORT, error: { code: 'denied', message: 'closed on Sundays' } }],
  })
  expect(await client.status()).toMatchObject({
    pid: process.pid,
    node: { name: 'web.example.ts.net' },
    exports: [{ port: 8080, error: { message: 'closed on Sundays' } }],
  })
})

test('exports what it is asked to', async ({ directory }) => {
  const targets: object[] = []
  const { client } = await serve(directory, {
    export: async (target) => {
      targets.push(target)
      return { ok: true, export: EXPORT }
    },
  })
  expect(await client.export({ port: 8080, address: '192.0.2.7' })).toMatchObject({ port: 8080 })
  expect(targets).toEqual([{ port: 8080, address: '192.0.2.7' }])
})

test('passes a refusal on with its code', async ({ directory }) => {
  const { client } = await serve(directory, {
    export: async () => ({ ok: false, code: 'taken', reason: "port 22 is the node's own" }),
  })
  await expect(client.export({ port: 22 })).rejects.toMatchObject({
    code: 'ERR_SESSION_REFUSED',
    reason: 'taken',
    message: "port 22 is the node's own",
  })
})

test('ends an export, and says when there is none', async ({ directory }) => {
  const { client } = await serve(directory)
  await client.unexport(8080)
  await expect(client.unexport(8081)).rejects.toMatchObject({ reason: 'not-found' })
})

test.for([
  ['GET', '/v1/exports/8080', undefined, 404],
  ['PUT', '/v1/exports', '{}', 404],
  ['GET', '/v2/exports', undefined, 404],
  ['POST', '/v1/exports', 'port=8080', 400],
  ['POST', '/v1/exports', '{"port":0}', 400],
  ['POST', '/v1/exports', '{"port":80,"host":"example.com"}', 400],
  ['POST', '/v1/exports', `"${'x'.repeat(5000)}"`, 413],
] as const)('answers %s %s %s with %i', async ([method, url, body, status], { directory }) => {
  const { socket } = await serve(directory)
  expect(await ask(socket, method, url, body)).toMatchObject({
    status,
    body: { error: { code: expect.any(String), message: expect.any(String) } },
  })
})

test('is the user’s alone, and replaces what a session left that died', async ({ directory }) => {
  writeFileSync(path.join(directory, 'session.sock'), '')
  const { socket, client } = await serve(directory)
  expect(statSync(socket).mode & 0o777).toBe(0o600)
  expect(await client.exports()).toHaveLength(1)
})

test('is away when it is closed', async ({ directory }) => {
  const { client, server } = await serve(directory)
  await server.close()
  await expect(client.exports()).rejects.toMatchObject({ code: 'ERR_SESSION_AWAY' })
})

test('is away, too, where somebody else answers', async ({ directory }) => {
  const socket = path.join(directory, 'other.sock')
  const server = createServer((connection) =>
    connection.end('HTTP/1.1 200 OK\r\n\r\n{"exports":1}'),
  )
  server.listen(socket)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const client = new SessionClient(socket)
  await expect(client.exports()).rejects.toMatchObject({ code: 'ERR_SESSION_AWAY' })
})
