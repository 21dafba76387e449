import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, onTestFinished } from 'vitest'
import { type Exported, exported } from '../support/exported.ts'
import { lacks, named } from '../support/needs.ts'
import { freePort } from '../support/ordinary-server.ts'
import { Peer } from '../support/peer.ts'
import { nginxCommand } from '../support/servers/nginx.ts'
import { postgresCommand, postgresPrograms } from '../support/servers/postgres.ts'
import { test } from '../support/tailnet.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))

let peer: Peer
afterAll(() => peer?.leave())

function scratch(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-served-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

interface Server {
  name: string
  needs: string[]
  command: (port: number) => string[]
  /** Listeners that it has. @default 1 */
  listeners?: number
  /** What a peer sees of it over IPv4 and IPv6; by default its own address comes back. */
  check?: (at: Exported) => Promise<void>
}

/** The server was told by accept() or getpeername() who asks. */
async function tellsWhoAsks({ ipv4, ipv6, port }: Exported): Promise<void> {
  const [own4 = '', own6 = ''] = peer.addresses
  expect(await peer.get(ipv4, port)).toContain(own4)
  expect(await peer.get(ipv6, port)).toMatch(new RegExp(`${own4}|${own6}`))
}

async function answersHttp({ ipv4, ipv6, port }: Exported): Promise<void> {
  for (const host of [ipv4, ipv6]) expect(await peer.get(host, port)).toContain('Directory listing')
}

const servers: Server[] = [
  {
    name: 'Python’s http.server on 0.0.0.0',
    needs: ['python3'],
    command: (port) => ['python3', '-m', 'http.server', String(port), '--bind', '0.0.0.0'],
    check: answersHttp,
  },
  {
    name: 'Python’s http.server on ::',
    needs: ['python3'],
    command: (port) => ['python3', '-m', 'http.server', String(port), '--bind', '::'],
    check: answersHttp,
  },
  {
    name: 'nginx with two workers',
    needs: ['nginx'],
    command: (port) => nginxCommand(scratch(), port),
    listeners: 1,
    check: tellsWhoAsks,
  },
  {
    name: 'a Node http server',
    needs: [],
    command: (port) => [process.execPath, fixture('serve.mjs'), String(port)],
    check: tellsWhoAsks,
  },
  {
    name: 'gunicorn with two prefork workers',
    needs: ['gunicorn'],
    command: (port) => [
      ...['gunicorn', '-w', '2', '-b', `0.0.0.0:${port}`, '--log-level', 'error'],
      ...['--chdir', fixture(''), 'wsgi_app:app'],
    ],
    check: tellsWhoAsks,
  },
  {
    name: 'Redis',
    needs: ['redis-server'],
    command: (port) => [
      ...['redis-server', '--port', String(port), '--bind', '0.0.0.0', '--protected-mode', 'no'],
      ...['--save', '', '--loglevel', 'warning'],
    ],
    check: async ({ ipv4, ipv6, port }) => {
      for (const host of [ipv4, ipv6]) {
        const socket = await peer.connect(host, port)
        socket.write('PING\r\n')
        expect(String((await once(socket, 'data'))[0])).toBe('+PONG\r\n')
        socket.destroy()
      }
    },
  },
  {
    name: 'a server on the JVM',
    needs: ['java'],
    command: (port) => [
      ...['java', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'],
      ...[fixture('Serve.java'), String(port)],
    ],
    check: tellsWhoAsks,
  },
  {
    name: 'nc -l',
    needs: ['nc'],
    command: (port) => ['sh', '-c', `echo hello from nc | nc -N -l ${port}`],
    check: async ({ ipv4, port }) => {
      expect(await peer.exchange(ipv4, port, 'hello\n')).toBe('hello from nc\n')
    },
  },
]

for (const { name, needs, command, check = tellsWhoAsks, listeners = 1 } of servers) {
  test.skipIf(lacks(...needs))(
    named(`${name} is served to the tailnet`, ...needs),
    async ({ tailnet }) => {
      peer ??= await Peer.join(tailnet.lab.info.controlUrl)
      const port = await freePort()
      const words = ['-verbose', '-export-listeners', 'run', ...command(port)]
      const running = tailnet.tailproxy.start(words)
      const at = await exported(running, listeners)
      expect(at.port).toBe(port)
      await check(at)
      running.child.kill('SIGTERM')
      await running.finished
    },
  )
}

const postgres = postgresPrograms()
  ? named('PostgreSQL', 'psql')
  : 'PostgreSQL (skipped: needs postgres)'
test.skipIf(!postgresPrograms() || lacks('psql', 'setpriv'))(
  `${postgres} serves after it has changed its user`,
  async ({ tailnet }) => {
    const port = await freePort()
    const words = postgresCommand(path.join(scratch(), 'cluster'), port)
    const running = tailnet.tailproxy.start(['-verbose', '-export-listeners', 'run', ...words])
    const { ipv4 } = await exported(running)
    const query = "select 'from ' || host(inet_client_addr())"
    const { stdout, stderr, status } = await tailnet.tailproxy.run([
      ...['psql', '-h', ipv4, '-p', String(port), '-U', 'postgres', '-At', '-c', query],
    ])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^from 100\.\d+\.\d+\.\d+\n$/)
    running.child.kill('SIGINT')
    await running.finished
  },
)
