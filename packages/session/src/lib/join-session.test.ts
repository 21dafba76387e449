import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test as base, expect } from 'vitest'
import { joinSession } from './join-session.ts'
import type { JoinRequest, RunEvent } from './run-messages.ts'

const REQUEST: JoinRequest = { command: ['é'], pid: 1, cwd: '/', settings: {} }
const HEAD = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'
const WAITS: RunEvent = { event: 'state', state: 'starting' }
const JOINED = { event: 'joined', run: 'run-ü' } as RunEvent
const SAID: RunEvent = { event: 'said', message: 'über' }

const lines = (...events: RunEvent[]) =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('')

interface World {
  /** Serves whatever is asked by what this does with the connection; resolves to the socket's path. */
  serve: (answer: (connection: Socket) => void) => Promise<string>
  /** Accepts, and is gone before it has read anything; resolves to the socket's path. */
  leaves: () => Promise<string>
  /** What was asked. */
  asked: () => string
}

const test = base.extend<{ world: World }>({
  world: async ({}, use) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'join-'))
    const connections = new Set<Socket>()
    let asked = ''
    const server = createServer({ pauseOnConnect: true })
    const file = path.join(directory, 'socket')
    const listening = () => new Promise<void>((resolve) => void server.listen(file, resolve))
    const leaves = async (): Promise<string> => {
      server.on('connection', (connection) => void connection.destroy())
      await listening()
      return file
    }
    const serve = async (answer: (connection: Socket) => void): Promise<string> => {
      server.on('connection', (connection) => {
        connections.add(connection)
        connection.setEncoding('utf8').on('error', () => {})
        connection.on('data', (text: string) => {
          const isWhole = asked.endsWith('}')
          asked += text
          if (!isWhole && asked.endsWith('}')) answer(connection)
        })
        connection.resume()
      })
      await listening()
      return file
    }
    await use({ serve, leaves, asked: () => asked })
    for (const connection of connections) connection.destroy()
    server.close()
    rmSync(directory, { recursive: true })
  },
})

async function all(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
  const heard: RunEvent[] = []
  for await (const event of events) heard.push(event)
  return heard
}

const say = (text: string) => (connection: Socket) => void connection.end(text)

test('asks once, in HTTP/1.0 and by bytes, and hears how far the node is', async ({ world }) => {
  const file = await world.serve(say(HEAD + lines(WAITS, JOINED)))
  const waits: unknown[] = []
  const { joined } = await joinSession(file, REQUEST, { onWait: (wait) => void waits.push(wait) })
  expect({ joined, waits }).toEqual({ joined: JOINED, waits: [WAITS] })
  const body = JSON.stringify(REQUEST)
  expect(world.asked()).toBe(
    `POST /v1/runs HTTP/1.0\r\nTailproxy-Session: 1\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
})

test('hears the same however the answer is split', async ({ world }) => {
  const file = await world.serve((connection) => {
    const send = (rest: Buffer): void => {
      if (rest.length === 0) connection.end()
      else connection.write(rest.subarray(0, 1), () => send(rest.subarray(1)))
    }
    send(Buffer.from(HEAD + lines(JOINED, SAID)))
  })
  const run = await joinSession(file, REQUEST)
  expect(await all(run.events())).toEqual([SAID])
})

test.for([
  ['ends', (connection: Socket): void => void connection.end()],
  ['breaks', (connection: Socket): void => void connection.destroy()],
] as const)(
  'the events end where the connection %s, and half a line is none',
  async ([, finish], { world }) => {
    const file = await world.serve((connection) => {
      connection.write(`${HEAD}${lines(JOINED, SAID)}{"event":"sa`, () => finish(connection))
    })
    const { events } = await joinSession(file, REQUEST)
    expect(await all(events())).toEqual([SAID])
  },
)

test('they end when we leave, while we wait for one', async ({ world }) => {
  const file = await world.serve((connection) => void connection.write(HEAD + lines(JOINED)))
  const { events, leave } = await joinSession(file, REQUEST)
  const heard = all(events())
  leave()
  expect(await heard).toEqual([])
})

const refused = { event: 'refused', code: 'conflict', message: 'it has\nanother' } as const
const { code, message } = refused

test.for([
  [
    'instead of events',
    `HTTP/1.1 409 Conflict\r\n\r\n${JSON.stringify({ error: { code, message } })}`,
  ],
  ['among them', HEAD + lines(WAITS, refused)],
] as const)('a refusal is told with its code, %s', async ([, text], { world }) => {
  const file = await world.serve(say(text))
  const error = { name: 'SessionRefusedError', reason: code, message }
  await expect(joinSession(file, REQUEST)).rejects.toMatchObject(error)
})

test.for([
  ['nothing', '', /ended without an answer/],
  ['half a head', 'HTTP/1.1 200 OK\r\nConnec', /ended without an answer/],
  ['no event', HEAD, /ended without an answer/],
  ['no HTTP', 'SSH-2.0-OpenSSH_9\r\n', /not in HTTP/],
] as const)('who says %s is no session', async ([, text, why], { world }) => {
  const file = await world.serve(say(text))
  await expect(joinSession(file, REQUEST)).rejects.toMatchObject({
    name: 'SessionAwayError',
    message: expect.stringMatching(why),
  })
})

test('nobody at the socket is told as gone', async () => {
  await expect(joinSession('/nonexistent/socket', REQUEST)).rejects.toMatchObject({
    name: 'SessionAwayError',
    isGone: true,
  })
})

test('who leaves before it has read what was asked is told as gone', async ({ world }) => {
  const file = await world.leaves()
  await expect(joinSession(file, REQUEST)).rejects.toMatchObject({
    name: 'SessionAwayError',
    isGone: true,
  })
})

test('a wait ends with its signal', async ({ world }) => {
  const controller = new AbortController()
  const reason = new Error('enough')
  const file = await world.serve(() => controller.abort(reason))
  await expect(joinSession(file, REQUEST, { signal: controller.signal })).rejects.toBe(reason)
})
