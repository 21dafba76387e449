import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, vi } from 'vitest'
import { exported } from '../support/exported.ts'
import { lacks, named } from '../support/needs.ts'
import { freePort } from '../support/ordinary-server.ts'
import { test } from '../support/peer-test.ts'
import type { Tailnet } from '../support/tailnet.ts'
import { childrenOf } from '../support/tailproxy.ts'
import { untilRefused } from '../support/until-refused.ts'

const life = fileURLToPath(new URL('../fixtures/listener_life.py', import.meta.url))
const serve = fileURLToPath(new URL('../fixtures/serve.mjs', import.meta.url))
const udpAsk = fileURLToPath(new URL('../fixtures/udp_ask.mjs', import.meta.url))
const udpListener = fileURLToPath(new URL('../fixtures/udp_listener.py', import.meta.url))
const WAIT = { timeout: 30_000, interval: 20 }

const python = { skip: lacks('python3') }
const withPython = (name: string) => named(name, 'python3')

function startExporting({ tailproxy }: Tailnet, command: readonly string[], flags: string[] = []) {
  const running = tailproxy.start(['-verbose', '-export-listeners', ...flags, 'run', ...command])
  onTestFinished(() => void running.child.kill('SIGKILL'))
  return running
}

/** An echo server of this host, which is no wrapped program. */
async function echo(host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.pipe(socket).on('error', () => {})
  })
  server.listen(0, host)
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

interface UdpEcho {
  port: number
  heard: number
  close: () => Promise<void>
}

/** The same by datagrams; each comes back with the name ahead. */
async function echoUdp(name: string, at = 0): Promise<UdpEcho> {
  const socket = createSocket('udp4')
  socket.bind(at, '127.0.0.1')
  await once(socket, 'listening')
  let isOpen = true
  const close = async () => {
    if (!isOpen) return
    isOpen = false
    const closed = once(socket, 'close')
    socket.close()
    await closed
  }
  onTestFinished(close)
  const echo = { port: socket.address().port, heard: 0, close }
  socket.on('message', (datagram, { port, address }) => {
    echo.heard++
    socket.send(`${name} ${datagram}`, port, address)
  })
  return echo
}

/** Another node, from which datagrams are sent all the time. */
function askFromAnotherNode({ tailproxy }: Tailnet, ...places: (string | number)[]) {
  const running = tailproxy.start(['run', process.execPath, udpAsk, ...places.map(String)])
  onTestFinished(() => void running.child.kill('SIGKILL'))
  return running
}

for (const what of ['/fork', '/dup']) {
  const name = what === '/fork' ? 'its child closes the listener' : 'a duplicate of it is closed'
  test(withPython(`a listener stays when ${name}`), python, async ({ tailnet, peer }) => {
    const { ipv4, port } = await exported(startExporting(tailnet, ['python3', life]))
    expect(await peer.get(ipv4, port, what)).toContain(what)
    expect(await peer.get(ipv4, port, '/who')).toContain('/who')
  })
}

test(
  withPython('a listener that is closed is served no more'),
  python,
  async ({ tailnet, peer }) => {
    const { ipv4, port } = await exported(startExporting(tailnet, ['python3', life]))
    await peer.get(ipv4, port, '/stop')
    await untilRefused(peer, ipv4, port)
  },
)

test(withPython('nor is one whose program was killed'), python, async ({ tailnet, peer }) => {
  const words = ['sh', '-c', `python3 ${life}; sleep 60`]
  const running = startExporting(tailnet, words)
  const { ipv4, port } = await exported(running)
  const said = await peer.get(ipv4, port, '/who')
  process.kill(Number(said.split(' ').at(-1)), 'SIGKILL')
  await untilRefused(peer, ipv4, port)
  await vi.waitFor(() => {
    expect(running.output.stderr).toContain(`:${port} ends (closed)`)
  }, WAIT)
})

test(
  withPython('a program that starts again has its port at once'),
  python,
  async ({ tailnet, peer }) => {
    const port = await freePort()
    const words = ['sh', '-c', `python3 ${life} ${port}; exec python3 ${life} ${port}`]
    const running = startExporting(tailnet, words)
    const { ipv4 } = await exported(running)
    const who = async () => Number((await peer.get(ipv4, port, '/who')).split(' ').at(-1))
    const first = await who()
    process.kill(first, 'SIGKILL')
    // Whether the export ends in between or goes on is a matter of who is heard first.
    await vi.waitFor(async () => expect(await who()).not.toBe(first), WAIT)
    expect(running.output.stderr).not.toContain('is not exported')
  },
)

test(withPython('one that listens again goes on'), python, async ({ tailnet, peer }) => {
  const { ipv4, port } = await exported(startExporting(tailnet, ['python3', life]))
  await peer.get(ipv4, port, '/again')
  await vi.waitFor(async () => expect(await peer.get(ipv4, port, '/who')).toContain('/who'), WAIT)
})

test(
  withPython('two programs on one port are one export, until both have ended'),
  python,
  async ({ tailnet, peer }) => {
    const port = await freePort()
    const one = `python3 ${life} ${port} reuse`
    const words = ['sh', '-c', `${one} & ${one} & wait; sleep 60`]
    const running = startExporting(tailnet, words)
    const { ipv4 } = await exported(running)
    const pids = new Set<number>()
    await vi.waitFor(async () => {
      pids.add(Number((await peer.get(ipv4, port, '/who')).split(' ').at(-1)))
      expect(pids.size).toBe(2)
    }, WAIT)
    const [first = 0, second = 0] = pids
    process.kill(first, 'SIGKILL')
    await vi.waitFor(
      async () => expect(await peer.get(ipv4, port, '/who')).toContain(String(second)),
      WAIT,
    )
    process.kill(second, 'SIGKILL')
    await untilRefused(peer, ipv4, port)
  },
)

test('a listener on 127.0.0.1 is private, unless it is asked for', async ({ tailnet, peer }) => {
  const command = [process.execPath, serve, '0', '127.0.0.1']
  const port = await freePort()
  const both = [
    process.execPath,
    '-e',
    `
    const { createServer } = require('node:http')
    createServer((_, response) => response.end('private')).listen(${port}, '127.0.0.1', () =>
      createServer((_, response) => response.end('public')).listen(0, '0.0.0.0'))
  `,
  ]
  const { ipv4, port: shown } = await exported(startExporting(tailnet, both))
  expect(await peer.get(ipv4, shown)).toBe('public')
  await expect(peer.connect(ipv4, port)).rejects.toMatchObject({ replyCode: 5 })
  const asked = await exported(startExporting(tailnet, command, ['--export-loopback']))
  expect(peer.addresses).toContain(await peer.get(asked.ipv4, asked.port))
})

test('peers are shown as the sidecar when that is wanted', async ({ tailnet, peer }) => {
  const running = startExporting(tailnet, [process.execPath, serve], ['--export-peers=false'])
  const { ipv4, port } = await exported(running)
  expect(await peer.get(ipv4, port)).toMatch(/^(::ffff:127\.0\.0\.1|::1)$/)
})

test('ports go by the lists, with a word on stderr', async ({ tailnet, peer }) => {
  const port = await freePort()
  const flags = [`-export-deny-ports=${port}`]
  const running = startExporting(tailnet, [process.execPath, serve, String(port)], flags)
  await vi.waitFor(() => {
    expect(running.output.stderr).toMatch(
      new RegExp(
        `^tailproxy: \\[::\\]:${port} is not exported: .*port ${port} is on the deny list$`,
        'm',
      ),
    )
  }, WAIT)
  const node = await exported(startExporting(tailnet, [process.execPath, serve]))
  await expect(peer.connect(node.ipv4, port)).rejects.toMatchObject({ replyCode: 5 })
})

test('with --export-strict listen() fails', async ({ tailnet }) => {
  const port = await freePort()
  const flags = ['--export-strict', `-export-deny-ports=${port}`]
  const { status, stderr } = await startExporting(
    tailnet,
    [process.execPath, serve, String(port)],
    flags,
  ).finished
  expect(status).toBe(1)
  expect(stderr).toContain('EACCES')
})

test('past the maximum no more are exported', async ({ tailnet }) => {
  const command = [
    process.execPath,
    '-e',
    `
    for (let i = 0; i < 5; i++) require('node:net').createServer().listen(0)
  `,
  ]
  const running = startExporting(tailnet, command, ['-export-max=3'])
  await exported(running, 3)
  await vi.waitFor(() => {
    expect(running.output.stderr.match(/is not exported: /g)).toHaveLength(2)
  }, WAIT)
})

test.for([
  ['a user', '--export-user=nobody@example.com'],
  ['a tag', '--export-tag=tag:other'],
])(
  'a peer without %s that is let in is reset, and told of',
  async ([, flag = ''], { tailnet, peer }) => {
    const env = { TAILPROXY_STATE_DIR: `${tailnet.tailproxy.directory}/for${flag.slice(0, 12)}` }
    const words = ['-verbose', '-export-listeners', flag, 'run', process.execPath, serve]
    const running = tailnet.tailproxy.start(words, { env })
    onTestFinished(() => void running.child.kill('SIGKILL'))
    const { ipv4, port } = await exported(running)
    const socket = await peer.connect(ipv4, port)
    socket.write('GET / HTTP/1.0\r\n\r\n')
    await expect(text(socket)).rejects.toMatchObject({ code: 'ECONNRESET' })
    await vi.waitFor(
      () => expect(running.output.stderr).toMatch(/export: \S+: peer\.\S+ is none of those/),
      WAIT,
    )
    // Counts come four times a second.
    await vi.waitFor(async () => {
      const { stdout } = await tailnet.tailproxy.run(['status', '--json'], { env })
      const error = {
        code: 'denied',
        message: expect.stringMatching(/^peer\.\S+ is none of those/),
      }
      expect(JSON.parse(stdout).exports).toMatchObject([{ port, accepted: 0, refused: 1, error }])
    }, WAIT)
  },
)

test('a plugin decides about a peer by who it is', async ({ tailnet, peer }) => {
  const plugin = fileURLToPath(new URL('../fixtures/only_hello.mjs', import.meta.url))
  const running = startExporting(tailnet, [process.execPath, serve], [`--filter=${plugin}`])
  const { ipv4, port } = await exported(running)
  const socket = await peer.connect(ipv4, port)
  socket.write('GET / HTTP/1.0\r\n\r\n')
  await expect(text(socket)).rejects.toMatchObject({ code: 'ECONNRESET' })
  await vi.waitFor(() => expect(running.output.stderr).toContain('only hello may come in'), WAIT)
})

test('a thousand connections, two hundred at once, lose nothing', async ({ tailnet, peer }) => {
  const running = startExporting(tailnet, [process.execPath, serve])
  const { ipv4, port } = await exported(running)
  let left = 1000
  const failures: unknown[] = []
  const worker = async () => {
    while (left-- > 0) {
      const said = await peer.get(ipv4, port).catch((error: unknown) => failures.push(error))
      if (typeof said === 'string') expect(peer.addresses).toContain(said.replace('::ffff:', ''))
    }
  }
  await Promise.all(Array.from({ length: 200 }, worker))
  expect(failures).toEqual([])
})

test('what listens already is served, listed and taken back', async ({ tailnet, peer }) => {
  const port = await echo()
  const other = await echo()
  const env = { TAILPROXY_STATE_DIR: `${tailnet.tailproxy.directory}/exports` }
  const serving = tailnet.tailproxy.start(['export', String(port)], { env })
  onTestFinished(() => void serving.child.kill('SIGKILL'))
  const [, ipv4 = ''] = await serving.says(/\(([\d.]+):\d+, /)
  expect(await peer.exchange(ipv4, port, 'hello')).toBe('hello')
  await expect(peer.connect(ipv4, other)).rejects.toMatchObject({ replyCode: 5 })
  // Not one of its own: that which runs takes it.
  const joining = { env: { ...env, TAILPROXY_FOREGROUND: '', TAILPROXY_HOSTNAME: '' } }
  expect(await tailnet.tailproxy.run(['export', String(other)], joining)).toMatchObject({
    status: 0,
  })
  expect(await peer.exchange(ipv4, other, 'hello')).toBe('hello')
  // Counts come four times a second.
  await vi.waitFor(async () => {
    const { stdout } = await tailnet.tailproxy.run(['export', 'ls', '--json'], { env })
    expect(JSON.parse(stdout).exports).toMatchObject(
      [port, other].sort((a, b) => a - b).map((each) => ({ port: each, accepted: 1, bytesUp: 5 })),
    )
  }, WAIT)
  expect(await tailnet.tailproxy.run(['export', 'rm', String(port)], { env })).toMatchObject({
    status: 0,
    stderr: '',
  })
  await untilRefused(peer, ipv4, port)
  serving.child.kill('SIGINT')
  expect(await serving.finished).toMatchObject({ signal: 'SIGINT', stderr: '' })
})

test('a port of UDP is served over both families, and again when its program is there again', async ({
  tailnet,
}) => {
  const first = await echoUdp('first')
  const { port } = first
  const env = { TAILPROXY_STATE_DIR: `${tailnet.tailproxy.directory}/udp-exports` }
  const serving = tailnet.tailproxy.start(['export', `127.0.0.1:${port}/udp`], { env })
  onTestFinished(() => void serving.child.kill('SIGKILL'))
  const pattern = /\/udp \(([\d.]+):\d+, \[([0-9a-f:]+)\]:\d+\) leads to 127/
  const [, ipv4 = '', ipv6 = ''] = await serving.says(pattern)
  const asking = askFromAnotherNode(tailnet, ipv4, port, ipv6, port)
  for (const from of [ipv4, ipv6])
    await asking.says(new RegExp(`^first ask \\d+ from ${from} ${port}$`, 'm'))
  await first.close()
  await vi.waitFor(async () => {
    const { stdout } = await tailnet.tailproxy.run(['export', 'ls', '--json'], { env })
    expect(JSON.parse(stdout).exports).toMatchObject([
      { network: 'udp', port, accepted: 2, refused: 0, error: { code: 'refused' } },
    ])
  }, WAIT)
  await echoUdp('second', port)
  for (const from of [ipv4, ipv6])
    await asking.says(new RegExp(`^second ask \\d+ from ${from} ${port}$`, 'm'))
  const { stdout } = await tailnet.tailproxy.run(['export', 'ls'], { env })
  expect(stdout).toMatch(new RegExp(`^${port}/udp +127\\.0\\.0\\.1:${port} +2 +2 +0 `, 'm'))
  expect(await tailnet.tailproxy.run(['export', 'rm', `${port}/udp`], { env })).toMatchObject({
    status: 0,
    stderr: '',
  })
})

test('a peer that is not let in hears nothing by UDP, and the status says why', async ({
  tailnet,
}) => {
  const echo = await echoUdp('never')
  const env = { TAILPROXY_STATE_DIR: `${tailnet.tailproxy.directory}/udp-denied` }
  const words = ['--export-user=nobody@example.com', 'export', `${echo.port}/udp`]
  const serving = tailnet.tailproxy.start(words, { env })
  onTestFinished(() => void serving.child.kill('SIGKILL'))
  const [, ipv4 = ''] = await serving.says(/\(([\d.]+):\d+, /)
  const asking = askFromAnotherNode(tailnet, ipv4, echo.port)
  await vi.waitFor(async () => {
    const { stdout } = await tailnet.tailproxy.run(['status', '--json'], { env })
    // One socket of the peer's is one refusal, however often it asks.
    expect(JSON.parse(stdout).exports).toMatchObject([
      {
        network: 'udp',
        accepted: 0,
        refused: 1,
        error: { code: 'denied', message: expect.stringContaining('none of those') },
      },
    ])
  }, WAIT)
  expect([asking.output.stdout, echo.heard]).toEqual(['', 0])
})

test(
  withPython('a wrapped program tells of its port of UDP, until its socket is closed'),
  python,
  async ({ tailnet }) => {
    const running = startExporting(tailnet, ['python3', udpListener])
    const [, port = ''] = await running.says(/^HELLO 2 OK 1 (\d+)$/m)
    const [, ipv4 = ''] = await running.warns(/\/udp \(([\d.]+):\d+, .*leads to 127/)
    const asking = askFromAnotherNode(tailnet, ipv4, port)
    await asking.says(new RegExp(`^wrapped ask \\d+ from ${ipv4} ${port}$`, 'm'))
    const stop = createSocket('udp4')
    onTestFinished(() => void stop.close())
    stop.send('stop', Number(port), '127.0.0.1')
    await running.warns(new RegExp(`:${port}/udp ends \\(closed\\)`))
  },
)

test('an export without a connection ends after its time', async ({ tailnet, peer }) => {
  const running = startExporting(tailnet, [process.execPath, serve], ['--export-idle=200ms'])
  const { ipv4, port } = await exported(running)
  await vi.waitFor(() => expect(running.output.stderr).toContain(`:${port} ends (idle)`), WAIT)
  await untilRefused(peer, ipv4, port)
})

test('the peer’s address comes ahead by the PROXY protocol', async ({ tailnet, peer }) => {
  const port = await echo()
  const serving = tailnet.tailproxy.start(['--export-proxy-protocol', 'export', String(port)])
  onTestFinished(() => void serving.child.kill('SIGKILL'))
  const [, ipv4 = ''] = await serving.says(/\(([\d.]+):\d+, /)
  const socket = await peer.connect(ipv4, port)
  socket.end('hello')
  const answer = Buffer.concat(await socket.toArray())
  // Version 2: the signature, PROXY, TCP over IPv4, 12 bytes, the source.
  expect(answer.subarray(0, 16).toString('hex')).toBe('0d0a0d0a000d0a515549540a2111000c')
  expect([...answer.subarray(16, 20)].join('.')).toBe(peer.addresses[0])
  expect(answer.subarray(28).toString()).toBe('hello')
})

test('a tailproxy inside a command serves its listeners too', async ({ tailnet, peer }) => {
  const words = ['tailproxy', process.execPath, serve]
  const running = startExporting(tailnet, words, [])
  const { ipv4, port } = await exported(running)
  expect(await peer.get(ipv4, port)).toContain(peer.addresses[0])
})

test('the end of the command ends its exports', async ({ tailnet, peer }) => {
  const running = startExporting(tailnet, [process.execPath, serve])
  const { ipv4, port } = await exported(running)
  await peer.get(ipv4, port)
  for (const child of childrenOf(running.child.pid as number)) {
    if (child !== running.child.pid) process.kill(child, 'SIGTERM')
  }
  await running.finished
  await expect(peer.connect(ipv4, port)).rejects.toThrow()
})
