import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { test as base, expect, type Mock, vi } from 'vitest'
import { ControlClient } from '../testing/control-client.ts'
import { FakeBackend } from '../testing/fake-backend.ts'
import type { AskCredentials, PeerCredentials } from './admission.ts'
import { type ControlServer, serveControlSocket } from './control-server.ts'
import { createExporter, type Exporter } from './exporter.ts'

const uid = process.geteuid?.() ?? 0
const STRANGER = uid + 4711

const test = base.extend<{
  exporter: Exporter
  ask: Mock<AskCredentials>
  server: ControlServer
  open: () => Promise<ControlClient>
}>({
  exporter: async ({}, use) => use(createExporter({ backend: new FakeBackend() })),
  ask: async ({}, use) => use(vi.fn<AskCredentials>(async () => ({ pid: 77, uid }))),
  server: async ({ exporter, ask }, use) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'control-'))
    const server = await serveControlSocket({
      exporter,
      path: path.join(directory, 's'),
      credentials: (socket) => ask(socket),
    })
    await use(server)
    await server.close()
    rmSync(directory, { recursive: true })
  },
  open: ({ server }, use) => ControlClient.lend(server.path, use),
})

/** Whether by an error or not: what it has sent was not read. */
function ended({ socket }: ControlClient): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve()
    socket.once('close', () => resolve())
  })
}

test('what the user’s own process said before it was asked about is read', async ({
  open,
  exporter,
}) => {
  const client = await open()
  client.send('LISTEN tcp4 8000\n')
  // Version 1 does not say who it is; the kernel did.
  await vi.waitFor(() => expect(exporter.exports()).toMatchObject([{ port: 8000, pids: [77] }]))
})

test('a process that says who it is is believed among those of the user', async ({
  open,
  exporter,
}) => {
  const client = await open()
  client.send('HELLO 2 4711\nLISTEN 1 tcp4 0.0.0.0 8000 0\n')
  await client.answers(2)
  expect(exporter.exports()).toMatchObject([{ pids: [4711] }])
})

test('root may connect', async ({ open, ask }) => {
  ask.mockResolvedValue({ pid: 1, uid: 0 })
  const client = await open()
  client.send('HELLO 2 1\n')
  expect(await client.answers(1)).toEqual(['HELLO 2'])
})

test.for([
  ['another user', async () => ({ pid: 78, uid: STRANGER }), `user ${STRANGER}`],
  ['who cannot be asked about', () => Promise.reject(new Error('no sidecar')), 'no sidecar'],
] as const)(
  '%s is refused, and nothing that they say is read',
  async ([, answer, reason], { open, ask, server, exporter }) => {
    ask.mockImplementation(answer)
    const refused = vi.fn()
    const malformed = vi.fn()
    server.on('connection:refused', refused)
    server.on('line:malformed', malformed)
    const client = await open()
    client.send('HELLO 2 1\nLISTEN 1 tcp4 0.0.0.0 8000 0\nnonsense\n')
    await ended(client)
    expect(client.lines).toEqual([])
    expect(refused.mock.calls).toEqual([[expect.stringContaining(reason)]])
    expect(malformed).not.toHaveBeenCalled()
    expect(exporter.exports()).toEqual([])
  },
)

test('whoever is refused leaves the exports of others alone', async ({ open, ask, exporter }) => {
  const own = await open()
  own.send('HELLO 2 1\nLISTEN 1 tcp4 0.0.0.0 8000 0\n')
  await own.answers(2)
  ask.mockResolvedValue({ pid: 78, uid: STRANGER })
  const other = await open()
  other.send('CLOSE tcp4 8000\n')
  await ended(other)
  expect(exporter.exports()).toMatchObject([{ port: 8000 }])
})

test('a few are asked about at a time, in the order in which they came', async ({ open, ask }) => {
  const answers: ((credentials: PeerCredentials) => void)[] = []
  ask.mockImplementation(() => new Promise((resolve) => answers.push(resolve)))
  const clients = await Promise.all(Array.from({ length: 9 }, open))
  await vi.waitFor(() => expect(answers).toHaveLength(4))
  answers.shift()?.({ pid: 1, uid })
  await vi.waitFor(() => expect(answers).toHaveLength(4))
  expect(ask).toHaveBeenCalledTimes(5)
  ask.mockResolvedValue({ pid: 1, uid })
  for (const answer of answers) answer({ pid: 1, uid })
  for (const client of clients) client.send('HELLO 2 1\n')
  for (const client of clients) expect(await client.answers(1)).toEqual(['HELLO 2'])
})

test('a server that closes does not wait for answers', async ({ open, ask, server }) => {
  let answer = (_: PeerCredentials) => {}
  ask.mockImplementation(
    () =>
      new Promise((resolve) => {
        answer = resolve
      }),
  )
  const client = await open()
  await vi.waitFor(() => expect(ask).toHaveBeenCalled())
  await server.close()
  answer({ pid: 1, uid })
  await ended(client)
  expect(server.connections).toBe(0)
})
