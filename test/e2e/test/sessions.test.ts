import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect, vi } from 'vitest'
import { test } from '../support/profile.ts'
import { isRunning, TAILPROXY } from '../support/tailproxy.ts'

const activate = fileURLToPath(new URL('../fixtures/activate.py', import.meta.url))

const gone = (pid: number) => vi.waitFor(() => expect(isRunning(pid)).toBe(false), 10_000)

test('the first command starts a session, the next ones join it', async ({ profile }) => {
  const first = await profile.run(['curl', '-s', 'http://hello/'])
  expect(first).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('Hello') })
  const pid = profile.pid()
  expect(await profile.run(['curl', '-s', 'http://hello/'])).toEqual(first)
  expect(profile.pid()).toBe(pid)
})

test('twenty commands that come at once share one node, each with its own status', async ({
  profile,
}) => {
  const statuses = Array.from({ length: 20 }, (_, index) => index)
  const script = 'curl -s http://hello/ | grep "^You are"; exit "$1"'
  const all = await Promise.all(
    statuses.map((status) => profile.run(['sh', '-c', script, 'sh', String(status)])),
  )
  expect(all.map(({ status }) => status)).toEqual(statuses)
  expect(new Set(all.map(({ stdout }) => stdout)).size).toBe(1)
  expect(all.map(({ stderr }) => stderr).join('')).toBe('')
  expect(profile.log().match(/ running$/gm)).toHaveLength(1)
  const { stdout } = await profile.run(['status', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ pid: profile.pid(), state: 'running', runs: [] })
})

test('leaves when it is idle, and nothing of it is left but the node’s keys', async ({
  profile,
}) => {
  await profile.run(['--idle=200ms', 'true'])
  const pid = profile.pid()
  if (pid) await gone(pid)
  expect(profile.log()).toMatch(/nobody used the session for a while\n$/)
  const left = readdirSync(profile.state).filter((name) => !name.startsWith('tailscaled.'))
  expect(left.sort()).toEqual(['session.log', 'sidecar.lock'])
})

test('is ended by down, which says so where there is none; --purge leaves no trace', async ({
  profile,
}) => {
  expect(await profile.run(['up'])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^\S+\.tail-lab\.ts\.net is up as 100\.64\.\d+\.\d+, fd7a:/),
  })
  const pid = profile.pid() as number
  const sidecar = profile.sidecarPid()
  expect(await profile.run(['down'])).toMatchObject({ status: 0, stdout: '', stderr: '' })
  expect([isRunning(pid), isRunning(sidecar)]).toEqual([false, false])
  expect(await profile.run(['down'])).toMatchObject({
    status: 0,
    stderr: 'tailproxy: no session runs with this state directory\n',
  })
  await profile.run(['down', '--purge'])
  expect(existsSync(profile.state)).toBe(false)
})

test('stays when up has pinned it', async ({ profile }) => {
  await profile.run(['--idle=100ms', 'up'])
  const { stdout } = await profile.run(['--idle=100ms', 'status', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ pinned: true })
  expect(JSON.parse(stdout)).not.toHaveProperty('idleAt')
})

test('a command that wants another node is told so, with both names', async ({ profile }) => {
  await profile.run(['true'])
  expect(await profile.run(['--hostname=other', 'true'])).toMatchObject({
    status: 125,
    stderr: expect.stringMatching(
      /^tailproxy: --hostname is "other", but the session that runs has "tailproxy-profile-[^"]*"; [^\n]*tailproxy down[^\n]*\n$/,
    ),
  })
})

test('what a command left running keeps its way to the tailnet, and the session', async ({
  profile,
}) => {
  const file = path.join(profile.directory, 'late')
  const go = path.join(profile.directory, 'go')
  const script =
    '(until [ -e "$2" ]; do sleep 0.05; done; curl -s http://hello/ > "$1.part"; mv "$1.part" "$1") >/dev/null 2>&1 &'
  await profile.run(['--idle=100ms', 'sh', '-c', script, 'sh', file, go])
  const pid = profile.pid() as number
  const { stdout } = await profile.run(['--idle=100ms', 'status', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ runs: [{ lingering: true }] })
  writeFileSync(go, '')
  await vi.waitFor(() => expect(existsSync(file)).toBe(true), 10_000)
  await gone(pid)
  expect((await profile.run(['cat', file])).stdout).toContain('Hello')
})

test('a sidecar that is killed is replaced, for the commands that run too', async ({ profile }) => {
  const marker = path.join(profile.directory, 'go')
  const script =
    'curl -s -o /dev/null http://hello/ && echo first; until [ -e "$1" ]; do sleep 0.05; done; curl -s -o /dev/null http://hello/ && echo second'
  const command = profile.start(['sh', '-c', script, 'sh', marker])
  await command.says(/first/)
  const killed = profile.sidecarPid()
  process.kill(killed, 'SIGKILL')
  await vi.waitFor(() => expect(profile.sidecarPid()).not.toBe(killed), 10_000)
  await vi.waitFor(async () => {
    const { stdout } = await profile.run(['status', '--json'])
    expect(JSON.parse(stdout).state).toBe('running')
  }, 10_000)
  writeFileSync(marker, '')
  expect(await command.finished).toMatchObject({ status: 0, stdout: 'first\nsecond\n' })
  expect((await command.finished).stderr).toMatch(
    /^tailproxy: the sidecar was ended by SIGKILL; open connections are lost, and another sidecar is started\n$/,
  )
})

test('a session that is killed leaves no sidecar, and the next command starts another', async ({
  profile,
}) => {
  await profile.run(['true'])
  const [pid, sidecar] = [profile.pid() as number, profile.sidecarPid()]
  process.kill(pid, 'SIGKILL')
  await gone(pid)
  await gone(sidecar)
  // Its socket and file are still there, and its lock on a start may be.
  expect(existsSync(path.join(profile.state, 'session.json'))).toBe(true)
  writeFileSync(path.join(profile.state, 'session.starting'), String(pid))
  expect(await profile.run(['curl', '-s', 'http://hello/'])).toMatchObject({
    status: 0,
    stderr: '',
  })
  expect(profile.pid()).not.toBe(pid)
})

test('exports outlive the command that made them, and a killed sidecar', async ({ profile }) => {
  const added = await profile.run(['export', '127.0.0.1:9'])
  expect(added).toMatchObject({ status: 0, stdout: expect.stringMatching(/^9 +127\.0\.0\.1:9 /m) })
  const killed = profile.sidecarPid()
  process.kill(killed, 'SIGKILL')
  await vi.waitFor(async () => {
    const { stdout } = await profile.run(['status', '--json'])
    const status = JSON.parse(stdout)
    expect(status.sidecar?.node).toBeDefined()
    expect(status.exports).toMatchObject([{ port: 9 }])
  }, 10_000)
  expect((await profile.run(['export', 'rm', '9'])).status).toBe(0)
})

test('up --foreground serves on the socket that a service manager passes, until SIGTERM', async ({
  profile,
}) => {
  mkdirSync(profile.state, { mode: 0o700 })
  const socket = path.join(profile.state, 'session.sock')
  const session = profile.startProgram('python3', [
    ...[activate, socket, TAILPROXY, 'up', '--foreground'],
  ])
  // It may come before the node is up, and waits.
  await vi.waitFor(() => expect(existsSync(socket)).toBe(true), 10_000)
  expect(await profile.run(['curl', '-s', 'http://hello/'])).toMatchObject({
    status: 0,
    stderr: '',
  })
  await session.says(/ is up as 100\./)
  expect(profile.pid()).toBe(session.child.pid)
  session.child.kill('SIGTERM')
  expect(await session.finished).toMatchObject({ signal: 'SIGTERM' })
})

test('the foreground SOCKS5 server uses the session that runs', async ({ profile }) => {
  await profile.run(['up'])
  const server = profile.start(['--json'])
  const [line] = await server.says(/^.*\n/)
  const { address, user, password } = JSON.parse(line)
  const proxy = `socks5h://${user}:${password}@${address}`
  const curl = await profile.run([
    '--allow-unwrapped',
    'env',
    '-u',
    'LD_PRELOAD',
    'curl',
    '-s',
    '--proxy',
    proxy,
    'http://hello/',
  ])
  expect(curl.stdout).toContain('Hello')
  server.child.kill('SIGINT')
  expect(await server.finished).toMatchObject({ signal: 'SIGINT', stderr: '' })
})

test.for([
  ['is a link', (state: string) => symlinkSync('/tmp', state), /is a symbolic link/],
  ['can be read by others', (state: string) => mkdirSync(state, { mode: 0o755 }), /chmod 700/],
  ['is a file', (state: string) => writeFileSync(state, ''), /is not a directory/],
] as const)(
  'a state directory that %s is refused, with what to do',
  async ([, make, message], { profile }) => {
    make(profile.state)
    if (message.source.includes('chmod')) chmodSync(profile.state, 0o755)
    const { status, stderr } = await profile.run(['true'])
    expect({ status, stderr }).toEqual({ status: 125, stderr: expect.stringMatching(message) })
    expect(stderr).toMatch(/^tailproxy: [^\n]+\n$/)
  },
)

test('works where the path of the state directory is too long for a socket', async ({
  profile,
}) => {
  const state = path.join(profile.directory, 'd'.repeat(120))
  const env = { TAILPROXY_STATE_DIR: state }
  expect(await profile.run(['curl', '-s', 'http://hello/'], { env })).toMatchObject({ status: 0 })
  expect(await profile.run(['true'], { env })).toMatchObject({ status: 0, stderr: '' })
  expect(await profile.run(['down'], { env })).toMatchObject({ status: 0, stderr: '' })
})

test('without HOME it says what to set', async ({ profile }) => {
  const env = { TAILPROXY_STATE_DIR: '', HOME: '', XDG_STATE_HOME: '' }
  const { status, stderr } = await profile.run(['true'], { env })
  expect([status, stderr]).toEqual([125, expect.stringMatching(/HOME|no such|cannot/)])
})
