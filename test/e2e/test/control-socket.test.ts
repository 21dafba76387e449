import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import type { SessionStatus } from '@tailproxy/session/host'
import { expect, onTestFinished, vi } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import type { Peer } from '../support/peer.ts'
import { test } from '../support/peer-test.ts'
import type { Tailnet } from '../support/tailnet.ts'
import { untilRefused } from '../support/until-refused.ts'

const WAIT = { timeout: 30_000, interval: 20 }

/** A server where document 000 puts what is exported: on loopback, of which the library tells nobody. */
const SERVER = `
require('node:http')
  .createServer((_, response) => response.end('document 000'))
  .listen(0, '127.0.0.1', function () {
    console.log('listens on', this.address().port, 'told by', process.env.TAILPROXY_CONTROL_SOCK)
  })
`

interface Told {
  /** The server's, on loopback. */
  port: number
  ipv4: string
  /** Sends these bytes over a connection of its own to the control socket. */
  tell: (bytes: string) => Promise<Socket>
  path: string
  status: () => Promise<SessionStatus>
}

async function serveUntold({ tailproxy }: Tailnet, flags: readonly string[] = []): Promise<Told> {
  const env = { TAILPROXY_STATE_DIR: `${tailproxy.directory}/told-${process.hrtime.bigint()}` }
  const words = ['-export-listeners', ...flags, 'run', process.execPath, '-e', SERVER]
  const running = tailproxy.start(words, { env })
  onTestFinished(() => void running.child.kill('SIGKILL'))
  const [, port, path = ''] = await running.says(/listens on (\d+) told by (\S+)/)
  const status = async () =>
    JSON.parse((await tailproxy.run(['status', '--json'], { env })).stdout) as SessionStatus
  const [ipv4 = ''] = (await status()).sidecar?.node?.addresses ?? []
  const tell = async (bytes: string) => {
    const socket = connect(path)
    onTestFinished(() => void socket.destroy())
    // Whoever is refused has what they sent thrown away, which is an error to them.
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(bytes, 'latin1')
    return socket
  }
  return { port: Number(port), ipv4, tell, path, status }
}

const isServed = (peer: Peer, { ipv4, port }: Told) =>
  vi.waitFor(async () => expect(await peer.get(ipv4, port)).toBe('document 000'), WAIT)

test('the bytes of document 000 export a port, and end it', async ({ tailnet, peer }) => {
  const told = await serveUntold(tailnet)
  await untilRefused(peer, told.ipv4, told.port)
  const client = await told.tell(`LISTEN tcp4 ${told.port}\n`)
  await isServed(peer, told)
  // It says nothing of who it is; the kernel does.
  expect((await told.status()).exports).toMatchObject([{ port: told.port, pids: [process.pid] }])
  client.write(`CLOSE tcp4 ${told.port}\n`)
  await untilRefused(peer, told.ipv4, told.port)
  client.end()
  expect(await text(client)).toBe('')
})

test('they come in any pieces, and count each listener', async ({ tailnet, peer }) => {
  const told = await serveUntold(tailnet)
  const client = await told.tell('LIS')
  for (const piece of ['TEN tcp4', ` ${told.port}`, `\nLISTEN tcp6 ${told.port}\n`, 'CLO']) {
    client.write(piece)
    // So that each is read by itself: what another one is answered comes after.
    const other = await told.tell('HELLO 2 1\n')
    await once(other, 'data')
  }
  client.write(`SE tcp6 ${told.port}\n`)
  await isServed(peer, told)
  await vi.waitFor(async () => {
    const { exports } = await told.status()
    expect(exports).toMatchObject([{ targets: [`127.0.0.1:${told.port}`] }])
  }, WAIT)
  client.destroy()
  await untilRefused(peer, told.ipv4, told.port)
})

test('what is no line is counted and told, and no export is lost by it', async ({
  tailnet,
  peer,
}) => {
  const told = await serveUntold(tailnet)
  await told.tell(`LISTEN tcp4 ${told.port}\n`)
  await isServed(peer, told)
  const stranger = await told.tell(
    [
      `CLOSE tcp4 ${told.port}`, // of what it never opened
      `CLOSE tcp4 ${told.port + 1}`,
      `listen tcp4 ${told.port}`,
      'LISTEN tcp4 65536',
      'LISTEN tcp5 80',
      'HELLO 2 1', // out of order
      '\0\xff\x1b[2J',
      'x'.repeat(100_000),
      '', // and no more than the end of the one before
    ].join('\n'),
  )
  await vi.waitFor(async () => {
    expect((await told.status()).controlSocket).toMatchObject({ malformed: 6, unexported: 0 })
  }, WAIT)
  const { exports, controlSocket } = await told.status()
  expect(exports).toMatchObject([{ port: told.port }])
  expect(controlSocket?.last).toMatch(/^process \d+ told of a listener in a wrong line: /)
  stranger.destroy()
  await isServed(peer, told)
})

test('a flood of listeners has the most there may be, and takes nobody’s', async ({
  tailnet,
  peer,
}) => {
  const told = await serveUntold(tailnet, ['-export-max=4'])
  await told.tell(`LISTEN tcp4 ${told.port}\n`)
  await isServed(peer, told)
  const ports = Array.from({ length: 2000 }, (_, at) => 20_000 + at).filter(
    (port) => port !== told.port,
  )
  const flood = await told.tell(ports.map((port) => `LISTEN tcp4 ${port}\n`).join(''))
  await vi.waitFor(async () => {
    expect((await told.status()).controlSocket).toMatchObject({ unexported: ports.length - 3 })
  }, WAIT)
  const { exports, controlSocket } = await told.status()
  expect(exports.map(({ port }) => port).sort()).toEqual([...ports.slice(0, 3), told.port].sort())
  expect(controlSocket?.last).toContain('(limit)')
  flood.destroy()
  await vi.waitFor(async () => expect((await told.status()).exports).toHaveLength(1), WAIT)
  await isServed(peer, told)
})

const NOBODY = 65_534
const mayBe = process.geteuid?.() === 0 && !lacks('setpriv')
const needs = process.geteuid?.() === 0 ? [] : ' (skipped: needs root)'
/** Past the modes of files, so that it is the server that has to find out who it is. */
const CAPABLE = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override']
const CLIENT = `
require('node:net').connect(process.argv[1])
  .on('connect', function () { this.write('HELLO 2 1\\nCLOSE 0 tcp4 127.0.0.1 ' + process.argv[2] + ' 0\\n') })
  .on('data', (answer) => console.log('answered', String(answer)))
  .on('error', ({ code }) => console.log(code))
  .on('close', () => console.log('closed'))
`

test.skipIf(!mayBe)(
  `${named('a client of another user is refused by what the kernel says', 'setpriv')}${needs}`,
  async ({ tailnet, peer }) => {
    const told = await serveUntold(tailnet)
    await told.tell(`LISTEN tcp4 ${told.port}\n`)
    await isServed(peer, told)
    const identity = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
    const words = [process.execPath, '-e', CLIENT, told.path, String(told.port)]
    const other = spawn('setpriv', [...identity, ...CAPABLE, ...words], {
      cwd: '/',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    // Reset or closed, by whether what it sent had come.
    expect(await text(other.stdout)).toMatch(/^(ECONNRESET\n|EPIPE\n)?closed\n$/)
    const { controlSocket, exports } = await told.status()
    expect(controlSocket).toMatchObject({
      refused: 1,
      last: expect.stringContaining(`user ${NOBODY}`),
    })
    expect(exports).toMatchObject([{ port: told.port }])
    await isServed(peer, told)
  },
)
