import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import { freePort, OrdinaryServer } from '../support/ordinary-server.ts'
import { serveGitHttp } from '../support/servers/git-http.ts'
import { type OpenSsh, serveSsh } from '../support/servers/openssh.ts'
import { postgresPrograms, servePostgres } from '../support/servers/postgres.ts'
import { serveRsync } from '../support/servers/rsync.ts'
import { test } from '../support/tailnet.ts'

// Programs with their own servers: those are ordinary ones on this host's loopback, which the lab puts on the tailnet.

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'tailproxy-services-'))
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const ssh = ['ssh', 'sshd', 'ssh-keygen']

describe.skipIf(lacks(...ssh))(named('ssh and git', ...ssh), () => {
  let sshd: OpenSsh
  let web: Server
  let repositories: string

  beforeAll(async () => {
    const keys = path.join(scratch, 'ssh')
    mkdirSync(keys)
    sshd = await serveSsh(keys)
    repositories = path.join(scratch, 'repositories')
    execFileSync('git', ['init', '-q', '--bare', path.join(repositories, 'origin.git')])
    // The "smart" protocol takes a push of nobody in particular only when it is told to.
    git('-C', path.join(repositories, 'origin.git'), 'config', 'http.receivepack', 'true')
    web = await serveGitHttp(repositories)
  })
  afterAll(async () => {
    await sshd?.server.stop()
    web?.close()
  })

  test('ssh runs a command', async ({ tailnet }) => {
    const { lab, tailproxy } = tailnet
    await lab.addForward('hello', 22, `127.0.0.1:${sshd.server.port}`)
    const text = 'x'.repeat(1_000_000)
    const command = [...sshd.client, `${sshd.user}@hello`, 'cat; echo "$SSH_CONNECTION"']
    const { status, stdout, stderr } = await tailproxy.run(command, { input: text })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^x{1000000}127\.0\.0\.1 \d+ 127\.0\.0\.1 \d+\n$/)
  })

  test.skipIf(lacks('git'))(named('git pushes and clones', 'git'), async ({ tailnet }) => {
    const { lab, tailproxy } = tailnet
    await lab.addForward('exit', 22, `127.0.0.1:${sshd.server.port}`)
    await lab.addForward('exit', 8418, `127.0.0.1:${portOf(web)}`)
    const work = path.join(scratch, 'work')
    git('init', '-q', '-b', 'main', work)
    writeFileSync(path.join(work, 'noise'), noise(1_000_000))
    git('-C', work, 'add', 'noise')
    git('-C', work, 'commit', '-q', '-m', 'first')
    const env = { ...gitEnvironment(), GIT_SSH_COMMAND: sshd.client.join(' ') }
    const remotes = {
      ssh: `ssh://${sshd.user}@exit${repositories}/origin.git`,
      http: 'http://exit:8418/origin.git',
    }
    const push = ['git', '-C', work, 'push', '-q', remotes.ssh, 'main']
    expect(await tailproxy.run(push, { env })).toMatchObject({ status: 0, stderr: '' })
    const pushHttp = ['git', '-C', work, 'push', '-q', remotes.http, 'main:other']
    expect(await tailproxy.run(pushHttp, { env })).toMatchObject({ status: 0, stderr: '' })
    for (const [way, url] of Object.entries(remotes)) {
      const clone = path.join(scratch, `clone-${way}`)
      const command = ['git', 'clone', '-q', '-b', 'other', url, clone]
      expect(await tailproxy.run(command, { env })).toMatchObject({ status: 0, stderr: '' })
      expect(readFileSync(path.join(clone, 'noise')).equals(noise(1_000_000))).toBe(true)
    }
  })

  function git(...args: string[]): void {
    execFileSync('git', args, { env: gitEnvironment() })
  }
})

const noPostgres = postgresPrograms() === undefined || lacks('psql')

describe.skipIf(noPostgres)(`psql${noPostgres ? ' (skipped: needs postgresql)' : ''}`, () => {
  let server: OrdinaryServer

  beforeAll(async () => {
    server = await servePostgres(path.join(scratch, 'postgres'))
  })
  afterAll(() => server?.stop())

  test('psql queries a database and copies a table in and out', async ({ tailnet }) => {
    await tailnet.lab.addForward('hello', 5432, `127.0.0.1:${server.port}`)
    const script = `create table t (n int, text text);
insert into t select n, repeat('row', 100) from generate_series(1, 10000) n;
select sum(n), count(*) from t;
`
    const command = ['psql', '-X', '-q', '-At', '-h', 'hello', '-U', 'postgres']
    const result = await tailnet.tailproxy.run(command, { input: script })
    expect(result).toEqual({ status: 0, signal: null, stdout: '50005000|10000\n', stderr: '' })
    const copy = await tailnet.tailproxy.run([...command, '-c', 'copy t to stdout'])
    expect(copy.stdout.trim().split('\n')).toHaveLength(10_000)
  })
})

describe.skipIf(lacks('redis-server'))(named('redis', 'redis-server'), () => {
  let server: OrdinaryServer

  beforeAll(async () => {
    const port = await freePort()
    const options = ['--bind', '127.0.0.1', '--save', '', '--dir', scratch]
    server = await OrdinaryServer.start('redis-server', ['--port', String(port), ...options], port)
  })
  afterAll(() => server?.stop())

  test('redis-cli sets and gets, and loads by --pipe', async ({ tailnet }) => {
    const { lab, tailproxy } = tailnet
    await lab.addForward('hello', 6379, `127.0.0.1:${server.port}`)
    const client = ['redis-cli', '-h', 'hello']
    expect(await tailproxy.run([...client, 'set', 'key', 'value'])).toMatchObject({
      stdout: 'OK\n',
    })
    expect(await tailproxy.run([...client, 'get', 'key'])).toMatchObject({ stdout: 'value\n' })
    const input = Array.from({ length: 5_000 }, (_, i) => `SET key${i} ${i}\r\n`).join('')
    const pipe = await tailproxy.run([...client, '--pipe'], { input })
    expect(pipe.stdout).toContain('errors: 0, replies: 5000')
  })

  test.skipIf(lacks('redis-benchmark'))(
    named('redis-benchmark keeps fifty connections in its event loop', 'redis-benchmark'),
    async ({ tailnet }) => {
      const { lab, tailproxy } = tailnet
      await lab.addForward('exit', 6379, `127.0.0.1:${server.port}`)
      const load = ['-c', '50', '-n', '2000', '-t', 'set,get', '--csv']
      const result = await tailproxy.run(['redis-benchmark', '-h', 'exit', ...load])
      expect(result).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/"SET"[\s\S]*"GET"/),
      })
    },
  )
})

describe.skipIf(lacks('iperf3'))(named('iperf3', 'iperf3'), () => {
  let server: OrdinaryServer

  beforeAll(async () => {
    const port = await freePort()
    server = await OrdinaryServer.start('iperf3', ['-s', '-B', '127.0.0.1', '-p', `${port}`], port)
  })
  afterAll(() => server?.stop())

  test.for([
    ['TCP up', []],
    ['TCP down', ['-R']],
    ['TCP by four streams', ['-P', '4']],
    ['UDP up', ['-u', '-b', '20M', '-l', '1200', '-n', '4M']],
    ['UDP down', ['-u', '-R', '-b', '20M', '-l', '1200', '-n', '4M']],
  ] as const)('iperf3 measures %s', async ([name, options], { tailnet }) => {
    const port = String(await freePort())
    await tailnet.lab.addForward('hello', Number(port), `127.0.0.1:${server.port}`)
    const command = ['iperf3', '-c', 'hello', '-p', port, '-n', '64M', '-J', ...options]
    const { status, stdout, stderr } = await tailnet.tailproxy.run(command)
    const { end, error } = JSON.parse(stdout)
    expect({ status, stderr, error }).toEqual({ status: 0, stderr: '', error: undefined })
    const total = name.startsWith('UDP') ? end.sum : end.sum_received
    // What is still in a buffer on the way when the client ends the test does not count.
    // Datagrams may be lost on a busy machine; that some arrive tells that they take the right way.
    if (name.startsWith('UDP')) expect(total.lost_packets).toBeLessThan(total.packets)
    else expect(total.bytes).toBeGreaterThan(32_000_000)
  })
})

describe.skipIf(lacks('rsync'))(named('rsync', 'rsync'), () => {
  let server: OrdinaryServer
  let files: string

  beforeAll(async () => {
    files = path.join(scratch, 'rsync', 'files')
    mkdirSync(files, { recursive: true })
    server = await serveRsync(files)
  })
  afterAll(() => server?.stop())

  test('rsync sends and fetches files over its daemon', async ({ tailnet }) => {
    const { lab, tailproxy } = tailnet
    await lab.addForward('hello', 873, `127.0.0.1:${server.port}`)
    const [from, to] = [path.join(scratch, 'from'), path.join(scratch, 'to')]
    mkdirSync(path.join(from, 'deep'), { recursive: true })
    writeFileSync(path.join(from, 'deep', 'noise'), noise(3_000_000))
    const up = await tailproxy.run(['rsync', '-a', `${from}/`, 'rsync://hello/files/'])
    expect(up).toMatchObject({ status: 0, stderr: '' })
    const down = await tailproxy.run(['rsync', '-a', 'rsync://hello/files/', `${to}/`])
    expect(down).toMatchObject({ status: 0, stderr: '' })
    expect(readFileSync(path.join(to, 'deep', 'noise')).equals(noise(3_000_000))).toBe(true)
  })
})

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

/** Bytes that no compression makes less of, the same each time. */
function noise(size: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, i) =>
    createHash('sha256').update(String(i)).digest(),
  )
  return Buffer.concat(blocks).subarray(0, size)
}

function gitEnvironment(): NodeJS.ProcessEnv {
  const person = { NAME: 'Test', EMAIL: 'test@example.invalid' }
  return {
    ...process.env,
    HOME: scratch,
    GIT_CONFIG_NOSYSTEM: '1',
    ...Object.fromEntries(
      ['AUTHOR', 'COMMITTER'].flatMap((role) =>
        Object.entries(person).map(([key, value]) => [`GIT_${role}_${key}`, value]),
      ),
    ),
  }
}
