import { once } from 'node:events'
import { chmodSync, linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test as base, describe, expect, type Mock, vi } from 'vitest'
import { ControlClient } from '../testing/control-client.ts'
import { FakeBackend } from '../testing/fake-backend.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { type ControlServer, serveControlSocket } from './control-server.ts'
import { createExporter, type Exporter } from './exporter.ts'
import type { Decide } from './verdict.ts'

const test = base.extend<{
  directory: string
  backend: FakeBackend
  clock: ManualClock
  decide: Mock<Decide>
  exporter: Exporter
  server: ControlServer
  open: () => Promise<ControlClient>
}>({
  directory: async ({}, use) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'control-'))
    await use(directory)
    rmSync(directory, { recursive: true })
  },
  backend: async ({}, use) => use(new FakeBackend()),
  clock: async ({}, use) => use(new ManualClock()),
  decide: async ({}, use) => use(vi.fn<Decide>()),
  exporter: async ({ backend, clock, decide }, use) => {
    await use(createExporter({ backend, clock, decide: (question) => decide(question) }))
  },
  server: async ({ exporter, directory, clock }, use) => {
    const socket = path.join(directory, 'control')
    const server = await serveControlSocket({ exporter, path: socket, run: 'r1', clock })
    await use(server)
    await server.close()
  },
  open: ({ server }, use) => ControlClient.lend(server.path, use),
})

function opened(exporter: Exporter): Promise<unknown[]> {
  return new Promise((resolve) => exporter.once('export:opened', (...args) => resolve(args)))
}

function closed(exporter: Exporter): Promise<unknown[]> {
  return new Promise((resolve) => exporter.once('export:closed', (...args) => resolve(args)))
}

describe('a client of version 1', () => {
  test('has its port exported by the line of document 000, and is not answered', async ({
    open,
    exporter,
  }) => {
    const client = await open()
    const isOpen = opened(exporter)
    client.send('LISTEN tcp4 8000\n')
    expect(await isOpen).toMatchObject([{ port: 8000, targets: ['127.0.0.1:8000'] }])
    const isClosed = closed(exporter)
    client.send('CLOSE tcp4 8000\n')
    expect(await isClosed).toMatchObject([{ port: 8000 }, 'closed'])
    client.socket.end()
    await once(client.socket, 'close')
    expect(client.lines).toEqual([])
  })

  test('is counted by family and port, until its connection ends', async ({ open, exporter }) => {
    const client = await open()
    const isOpen = opened(exporter)
    client.send('LISTEN tcp4 8000\nLISTEN tcp6 8000\nLISTEN tcp4 8000\nCLOSE tcp4 8000\n')
    await isOpen
    await vi.waitFor(() => {
      expect(exporter.exports()).toMatchObject([{ targets: ['127.0.0.1:8000', '[::1]:8000'] }])
    })
    const isClosed = closed(exporter)
    client.socket.destroy()
    expect(await isClosed).toMatchObject([{ port: 8000 }, 'closed'])
  })

  test('may open a connection for each line, as long as it keeps it', async ({
    open,
    exporter,
  }) => {
    const [one, other] = [await open(), await open()]
    one.send('LISTEN tcp4 8000\n')
    other.send('LISTEN tcp4 8000\n')
    await vi.waitFor(() => expect(exporter.exports()).toMatchObject([{ listeners: 2 }]))
    one.socket.destroy()
    await vi.waitFor(() => expect(exporter.exports()).toMatchObject([{ listeners: 1 }]))
  })

  test('has lines that are none left alone, counted, and the next read', async ({
    open,
    exporter,
    server,
  }) => {
    const codes: string[] = []
    server.on('line:malformed', ({ code }) => codes.push(code))
    const client = await open()
    const isOpen = opened(exporter)
    client.send(`LISTEN tcp4 0\n\xff\0\n${'x'.repeat(5000)}\nHELLO 2 1\nLISTEN tcp4 8000\n`)
    await isOpen
    expect(codes).toEqual(['port', 'character', 'line-too-long', 'order'])
    expect(client.lines).toEqual([])
  })
})

describe('a client of version 2', () => {
  test('is answered when its port can be reached', async ({ open, exporter, backend }) => {
    const client = await open()
    client.send('HELLO 2 4711\nLISTEN 1 tcp46 :: 8000 77\n')
    expect(await client.answers(2)).toEqual(['HELLO 2', 'OK 1'])
    expect(exporter.exports()).toMatchObject([{ port: 8000, pids: [4711] }])
    client.send('CLOSE 2 tcp46 :: 8000 77\n')
    await client.answers(3)
    expect(backend.calls.at(-1)).toBe('listening [::]:8000/77')
    expect(exporter.exports()).toHaveLength(1)
  })

  test('is answered for a socket of UDP', async ({ open, exporter, backend }) => {
    const client = await open()
    client.send('HELLO 2 4711\nLISTEN 1 udp46 :: 53 77\nLISTEN 2 tcp46 :: 53 78\n')
    expect((await client.answers(3)).sort()).toEqual(['HELLO 2', 'OK 1', 'OK 2'])
    expect(exporter.exports()).toMatchObject([
      { network: 'tcp', port: 53 },
      { network: 'udp', port: 53, targets: ['127.0.0.1:53', '[::1]:53'] },
    ])
    client.send('CLOSE 3 udp46 :: 53 77\n')
    await client.answers(4)
    expect(backend.calls.at(-1)).toBe('listening [::]:53/udp/77')
  })

  test('is told why it is refused', async ({ open, decide }) => {
    decide.mockReturnValue({ verdict: 'deny', reason: 'not\nhere' })
    const client = await open()
    client.send('HELLO 2 4711\n')
    client.send('LISTEN 1 tcp4 0.0.0.0 8000 77\n')
    client.send('LISTEN 2 udp4 127.0.0.1 53 78\n')
    client.send('LISTEN 3 tcp4 127.0.0.1 80 79\n')
    const lines = await client.answers(4)
    expect(lines).toContain('REFUSED 1 denied not here')
    expect(lines).toContainEqual(expect.stringMatching(/^REFUSED 2 denied .*loopback/))
    expect(lines).toContainEqual(expect.stringMatching(/^REFUSED 3 denied .*loopback/))
    expect(decide.mock.calls).toEqual([[expect.objectContaining({ pid: 4711, run: 'r1' })]])
  })

  test('is answered in its own version when it offers a later one', async ({ open }) => {
    const client = await open()
    client.send('HELLO 9 4711\n')
    expect(await client.answers(1)).toEqual(['HELLO 2'])
  })

  test('is told of each line that is none', async ({ open }) => {
    const client = await open()
    client.send('HELLO 2 4711\nLISTEN 1 tcp4 :: 8000 77\nLISTEN 2 tcp4 0.0.0.0 8000 77\n')
    const lines = await client.answers(3)
    expect(lines[1]).toMatch(/^REFUSED 0 invalid address: found "::"/)
    expect(lines[2]).toBe('OK 2')
  })

  test('gets no answer to what it wants none to', async ({ open, exporter }) => {
    const client = await open()
    const isOpen = opened(exporter)
    client.send('HELLO 2 4711\nLISTEN 0 tcp4 0.0.0.0 8000 77\nCLOSE 0 tcp4 0.0.0.0 8000 77\n')
    await isOpen
    client.send('LISTEN 9 tcp4 0.0.0.0 8000 77\n')
    expect(await client.answers(2)).toEqual(['HELLO 2', 'OK 9'])
  })

  test('that dies hands over to whoever tells of the socket in time', async ({
    open,
    exporter,
    backend,
    clock,
  }) => {
    const [one, other] = [await open(), await open()]
    one.send('HELLO 2 1\nLISTEN 1 tcp4 0.0.0.0 8000 77\n')
    await one.answers(2)
    one.socket.destroy()
    await vi.waitFor(() => expect(backend.calls.at(-1)).toBe('listening 0.0.0.0:8000/77'))
    other.send('HELLO 2 2\nLISTEN 1 tcp4 0.0.0.0 8000 77\n')
    await other.answers(2)
    await clock.advance(60_000)
    expect(exporter.exports()).toMatchObject([{ pids: [2] }])
    backend.dead.add(77n)
    const isClosed = closed(exporter)
    other.socket.destroy()
    expect(await isClosed).toMatchObject([{ port: 8000 }, 'closed'])
  })
})

describe('a client that asks for too much', () => {
  test('is read no further than 64 requests ahead of the answers', async ({ open, decide }) => {
    const verdicts: ((verdict: undefined) => void)[] = []
    decide.mockImplementation(() => new Promise((resolve) => verdicts.push(resolve)))
    const client = await open()
    const lines = Array.from(
      { length: 200 },
      (_, at) => `LISTEN ${at + 1} tcp4 0.0.0.0 ${at + 1} 9\n`,
    )
    client.send(`HELLO 2 1\n${lines.join('')}`)
    await vi.waitFor(() => expect(decide).toHaveBeenCalledTimes(64))
    const other = await open()
    other.send('HELLO 2 2\n')
    await other.answers(1)
    expect(decide).toHaveBeenCalledTimes(64)
    verdicts.shift()?.(undefined)
    await vi.waitFor(() => expect(decide).toHaveBeenCalledTimes(65))
    decide.mockReset()
    for (const verdict of verdicts) verdict(undefined)
    expect(await client.answers(201)).toHaveLength(201)
    expect(client.lines.filter((line) => line.startsWith('OK'))).toHaveLength(32)
  })

  test('is cut when it does not read its answers', async ({ open, server, clock, exporter }) => {
    const cut = vi.fn()
    server.on('connection:cut', cut)
    const client = await open()
    client.send('HELLO 2 4711\nLISTEN 1 tcp4 0.0.0.0 8000 0\n')
    await client.answers(2)
    client.socket.pause()
    const isClosed = closed(exporter)
    client.send('\n'.repeat(1_000_000))
    await vi.waitFor(() => expect(clock.timers).toBe(1), 10_000)
    await clock.advance(10_000)
    expect(await isClosed).toMatchObject([{ port: 8000 }, 'closed'])
    expect(cut.mock.calls).toEqual([[4711]])
  })

  test('is answered all of it when it reads', { timeout: 20_000 }, async ({ open }) => {
    const client = await open()
    client.send(`HELLO 2 4711\n${'\n'.repeat(20_000)}`)
    expect(await client.answers(20_001)).toHaveLength(20_001)
  })
})

describe('a server', () => {
  test('has a socket that is the user’s alone, and takes it away', async ({
    exporter,
    directory,
  }) => {
    const socket = path.join(directory, 's')
    const server = await serveControlSocket({ exporter, path: socket })
    expect(statSync(socket).mode & 0o777).toBe(0o600)
    await server.close()
    expect(statSync(socket, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('ends its connections with itself, and their exports', async ({
    open,
    exporter,
    server,
  }) => {
    const client = await open()
    client.send('HELLO 2 1\nLISTEN 1 tcp4 0.0.0.0 8000 0\n')
    await client.answers(2)
    const isClosed = closed(exporter)
    await server.close()
    await isClosed
    expect(server.connections).toBe(0)
  })

  test('takes the place of one that has died', async ({ exporter, directory }) => {
    const socket = path.join(directory, 's')
    // What a process that was killed leaves behind: a socket that nobody listens on.
    const dead = createServer().listen(path.join(directory, 'x'))
    await once(dead, 'listening')
    linkSync(path.join(directory, 'x'), socket)
    await new Promise((resolve) => dead.close(resolve))
    const server = await serveControlSocket({ exporter, path: socket })
    await server.close()
  })

  test.for(['another server', 'a file', 'a path too long', 'no directory'])(
    'is not there when there is %s',
    async (what, { exporter, directory, server }) => {
      const file = path.join(directory, 'file')
      writeFileSync(file, '')
      chmodSync(file, 0o600)
      const paths: Record<string, string> = {
        'another server': server.path,
        'a file': file,
        'a path too long': path.join(directory, 'x'.repeat(108)),
        'no directory': path.join(directory, 'none', 's'),
      }
      const serving = serveControlSocket({ exporter, path: paths[what] ?? '' })
      await expect(serving).rejects.toMatchObject({
        name: 'ControlSocketError',
        code: 'ERR_EXPORTER_CONTROL_SOCKET',
      })
      expect(statSync(file).isFile()).toBe(true)
    },
  )

  test('has no more connections than it may have', async ({ exporter, directory }) => {
    const socket = path.join(directory, 's')
    const server = await serveControlSocket({ exporter, path: socket, maxConnections: 2 })
    const dropped = vi.fn()
    server.on('connection:dropped', dropped)
    const clients = [await ControlClient.open(socket), await ControlClient.open(socket)]
    await vi.waitFor(() => expect(server.connections).toBe(2))
    const further = await ControlClient.open(socket)
    await once(further.socket, 'close')
    expect(dropped).toHaveBeenCalledTimes(1)
    clients[0]?.send('HELLO 2 1\n')
    expect(await clients[0]?.answers(1)).toEqual(['HELLO 2'])
    await server.close()
  })
})
