import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { CommandNotExecutableError, CommandNotFoundError } from '@tailproxy/preload'
import { writeSessionFile } from '@tailproxy/session/host'
import { expect, onTestFinished, vi } from 'vitest'
import { InterruptedError } from './lib/interruption.ts'
import { report, tailproxy } from './tailproxy.ts'
import { test } from './testing/surroundings.ts'

const LAB = {
  controlUrl: 'http://127.0.0.1:4000',
  domain: 'fake.ts.net',
  nodes: [{ name: 'hello.fake.ts.net', addresses: ['100.64.0.1'] }],
}

/** The environment of a command that wrote it to this file with env -0. */
function environmentIn(file: string): Record<string, string> {
  const entries = readFileSync(file, 'utf8').split('\0').filter(Boolean)
  return Object.fromEntries(
    entries.map((entry) => [entry.split('=', 1)[0], entry.replace(/^[^=]*=/, '')]),
  )
}

test('shows the help and the version on stdout', async ({ surroundings: { said } }) => {
  expect(await tailproxy(['--help'])).toEqual({ status: 0, signal: null })
  expect(said.stdout).toMatch(/^Runs any program on a tailnet/)
  said.stdout = ''
  expect(await tailproxy(['-V'])).toEqual({ status: 0, signal: null })
  expect(said.stdout).toMatch(/^tailproxy \d+\.\d+\.\d+\n$/)
  expect(said.stderr).toBe('')
})

test.for([
  '--hostnme=x true',
  '--port=many true',
  'run',
  'lab nonsense',
  'lab run',
  '--control-url=http://x/ lab run true',
  '--config=/nonexistent true',
])('fails with 125 and one line for "%s"', async (line, { surroundings: { said } }) => {
  const error = await tailproxy(line.split(' ')).catch((reason: unknown) => reason)
  expect(report(error)).toBe(125)
  expect(said.stderr).toMatch(/^tailproxy: [^\n]+\n$/)
  expect(said.stderr).not.toContain('unexpected')
})

test.for([
  [new CommandNotFoundError('tool'), 127, 'tailproxy: tool: command not found\n'],
  [
    new CommandNotExecutableError('tool', 'is a directory'),
    126,
    'tailproxy: tool: is a directory\n',
  ],
  [new TypeError('oops'), 125, 'tailproxy: unexpected: oops; please report this\n'],
  ['a string', 125, 'tailproxy: unexpected: a string; please report this\n'],
] as const)('reports %s by its status', ([error, status, line], { surroundings: { said } }) => {
  expect(report(error)).toBe(status)
  expect(said.stderr).toBe(line)
})

test('starts nothing when the exit node cannot be had', async ({ surroundings: { said } }) => {
  const error = await tailproxy(['-exit-node=berlin', 'true']).catch((reason: unknown) => reason)
  expect(report(error)).toBe(125)
  expect(said.stderr).toBe('tailproxy: there is no node "berlin"\n')
})

test('reads the auth key from the file that a file names, beside it', async ({
  surroundings: { said },
  directory,
}) => {
  const file = path.join(directory, 'tailproxy.json')
  writeFileSync(file, '{"authkey": "file:key"}')
  writeFileSync(path.join(directory, 'key'), 'tskey-secret', { mode: 0o644 })
  const error = await tailproxy(['--config', file, 'true']).catch((reason: unknown) => reason)
  expect(report(error)).toBe(125)
  expect(said.stderr).toBe(
    `tailproxy: others can read the auth key in ${directory}/key (mode 0644); chmod 600 it\n`,
  )
})

test('starts no sidecar for a command that is not there', async ({ surroundings, directory }) => {
  vi.stubEnv('TAILPROXY_SIDECAR', '/nonexistent')
  const error = await tailproxy(['no-such-command']).catch((reason: unknown) => reason)
  expect(report(error)).toBe(127)
  expect(surroundings.said.stderr).toBe('tailproxy: no-such-command: command not found\n')
  expect(existsSync(path.join(directory, 'state'))).toBe(false)
})

test('runs a command in a session, is silent, and leaves nothing behind', async ({
  surroundings: { said },
  directory,
}) => {
  const file = path.join(directory, 'env')
  const script = 'env -0 > "$1"; cat "$TAILPROXY_SESSION" > "$1.session"; exit 42'
  vi.stubEnv('TAILPROXY_AUTHKEY', 'tskey-secret')
  const exit = await tailproxy(['-hostname=desktop', 'sh', '-c', script, 'sh', file])
  expect(exit).toEqual({ status: 42, signal: null })
  expect(said).toEqual({ stdout: '', stderr: '' })
  const env = environmentIn(file)
  expect(env).toMatchObject({
    LD_PRELOAD: expect.stringMatching(/^\/tmp\/tailproxy-\d+\/libtailproxy-[0-9a-f]{16}\.so$/),
    TAILPROXY_HOST: '127.0.0.1',
    TAILPROXY_PORT: expect.stringMatching(/^\d+$/),
    TAILPROXY_PRELOAD_USER: 'run-1',
    TAILPROXY_PRELOAD_PASSWORD: expect.stringMatching(/^[0-9a-f]{32}$/),
    TAILPROXY_SOCK: path.join(directory, 'state/tailproxy/default/dial.sock'),
    TAILPROXY_TOKEN: expect.stringMatching(/^[0-9a-f]{32}$/),
  })
  expect(Object.values(env)).not.toContain('tskey-secret')
  const session = readFileSync(`${file}.session`, 'utf8')
  expect(JSON.parse(session)).toMatchObject({ hostname: 'desktop', pid: process.pid })
  expect(session).not.toContain('tskey-secret')
  expect(readdirSync(path.join(directory, 'state/tailproxy/default'))).toEqual([])
})

test('tells what is done when it is asked to', async ({ surroundings: { said } }) => {
  await tailproxy(['-verbose', 'true'])
  // That it starts is told if it takes longer than our joining it.
  expect(said.stderr).toMatch(
    /^(tailproxy: node: starting\n)?tailproxy: node: tailproxy\.fake\.ts\.net is up as 100\.64\.0\.9; SOCKS5 on/,
  )
  expect(said.stderr.match(/^tailproxy: connections: .*$/gm)).toEqual([
    'tailproxy: connections: by SOCKS5: a fake sidecar has no tarpit',
  ])
})

test('resolves to the signal that ended the command', async ({ surroundings: _ }) => {
  expect(await tailproxy(['sh', '-c', 'kill -KILL $$'])).toMatchObject({ signal: 'SIGKILL' })
})

test('says how to log in', async ({ surroundings: { behave, said } }) => {
  behave({ states: ['needs-login'], authUrl: 'https://log.in/1' })
  await tailproxy(['true'])
  expect(said.stderr).toBe('tailproxy: to log this node in, open https://log.in/1\n')
})

test('says that an administrator is waited for', async ({ surroundings: { behave, said } }) => {
  behave({ states: ['needs-approval'] })
  await tailproxy(['true'])
  expect(said.stderr).toContain('waits for an administrator')
})

test('fails with 125 and the reason when the node does not come up', async ({
  surroundings: { behave, said },
}) => {
  behave({ startFailure: { code: 'denied', message: 'the key has expired' } })
  const error = await tailproxy(['true']).catch((reason: unknown) => reason)
  expect(report(error)).toBe(125)
  expect(said.stderr).toBe('tailproxy: the key has expired\n')
})

test('says that connections are lost, and waits for the command, when the sidecar dies', async ({
  surroundings: { behave, said },
  directory,
}) => {
  behave({ dieAfter: 'register', dieOnce: path.join(directory, 'died') })
  const heard = path.join(directory, 'heard')
  const script = 'until [ -e "$1" ]; do sleep 0.02; done; exit 7'
  const ended = tailproxy(['sh', '-c', script, 'sh', heard])
  await vi.waitFor(() => expect(said.stderr).toContain('lost'), { timeout: 5_000 })
  writeFileSync(heard, '')
  expect(await ended).toMatchObject({ status: 7 })
  expect(said.stderr).toBe(
    'tailproxy: the sidecar was ended by SIGKILL; open connections are lost, and another sidecar is started\n',
  )
})

test('is interrupted on the way up, and takes the sidecar down', async ({
  surroundings: { behave },
}) => {
  behave({ states: ['needs-login'], authUrl: 'https://log.in/1', neverStarts: true })
  const ended = tailproxy(['true']).catch((reason: unknown) => reason)
  await vi.waitFor(() => expect(process.stderr.write).toHaveBeenCalled(), { timeout: 5_000 })
  process.emit('SIGTERM')
  expect(await ended).toBeInstanceOf(InterruptedError)
})

test('serves SOCKS5 until it is interrupted', async ({ surroundings: { said } }) => {
  const ended = tailproxy(['--json']).catch((reason: unknown) => reason)
  await vi.waitFor(() => expect(said.stdout).toContain('\n'), { timeout: 5_000 })
  const { address, user, password, node } = JSON.parse(said.stdout)
  expect(address).toMatch(/^127\.0\.0\.1:\d+$/)
  expect({ user, node }).toEqual({
    user: 'tsnet',
    node: { name: 'tailproxy.fake.ts.net', addresses: ['100.64.0.9'] },
  })
  expect(password).toMatch(/^[0-9a-f]{32}$/)
  process.emit('SIGINT')
  expect(await ended).toMatchObject({ signalName: 'SIGINT' })
})

test('serves nothing inside a session', async ({ surroundings: { said } }) => {
  vi.stubEnv('TAILPROXY_SESSION', '/s.json')
  const error = await tailproxy([]).catch((reason: unknown) => reason)
  expect(report(error)).toBe(125)
  expect(said.stderr).toContain('in a session already')
})

test('runs a command in the session it is in, without a sidecar of its own', async ({
  surroundings: _,
  directory,
}) => {
  const file = path.join(directory, 'env')
  const session = { hostname: 'laptop', controlUrl: '', onlyTailnet: false, udp: 'proxy' } as const
  vi.stubEnv('TAILPROXY_SESSION', writeSessionFile(directory, session))
  vi.stubEnv('TAILPROXY_HOST', '127.0.0.1')
  vi.stubEnv('TAILPROXY_PORT', '1080')
  vi.stubEnv('TAILPROXY_PRELOAD_USER', 'run-1')
  vi.stubEnv('TAILPROXY_PRELOAD_PASSWORD', 'secret')
  vi.stubEnv('TAILPROXY_SOCK', '/run/dial.sock')
  vi.stubEnv('TAILPROXY_TOKEN', 'token')
  vi.stubEnv('TAILPROXY_FD', '1021')
  vi.stubEnv('TAILPROXY_SIDECAR', '/nonexistent')
  await tailproxy(['sh', '-c', 'env -0 > "$1"', 'sh', file])
  expect(environmentIn(file)).toMatchObject({
    TAILPROXY_PORT: '1080',
    TAILPROXY_PRELOAD_USER: 'run-1',
    TAILPROXY_PRELOAD_PASSWORD: 'secret',
    TAILPROXY_SOCK: '/run/dial.sock',
    TAILPROXY_TOKEN: 'token',
  })
  // The descriptor is of this process; what it starts gets one from the library's exec hooks.
  expect(environmentIn(file)).not.toHaveProperty('TAILPROXY_FD')
})

test('starts a lab until it is interrupted', async ({ surroundings: { behave, said } }) => {
  behave({ lab: LAB })
  const ended = tailproxy(['lab']).catch((reason: unknown) => reason)
  await vi.waitFor(() => expect(said.stdout).toContain('Ctrl-C'), { timeout: 5_000 })
  expect(said.stdout).toContain('export TAILPROXY_CONTROL_URL=http://127.0.0.1:4000')
  expect(said.stdout).toContain('hello.fake.ts.net  100.64.0.1')
  process.emit('SIGINT')
  expect(await ended).toMatchObject({ signalName: 'SIGINT' })
})

test('runs a command on a lab of its own, with tailproxy on its path', async ({
  surroundings: { behave },
  directory,
}) => {
  behave({ lab: LAB })
  vi.stubEnv('TMPDIR', directory)
  const [, self = ''] = process.argv
  process.argv[1] = '/bin/true'
  onTestFinished(() => {
    process.argv[1] = self
  })
  const file = path.join(directory, 'env')
  const script = 'env -0 > "$1"; command -v tailproxy > "$1.which"; exit 3'
  expect(await tailproxy(['lab', 'run', '--', 'sh', '-c', script, 'sh', file])).toMatchObject({
    status: 3,
  })
  expect(environmentIn(file)).toMatchObject({ TAILPROXY_CONTROL_URL: LAB.controlUrl })
  expect(readFileSync(`${file}.which`, 'utf8')).toMatch(/tailproxy-lab-\w+\/tailproxy\n$/)
  expect(readdirSync(directory).filter((name) => name.startsWith('tailproxy-lab-'))).toEqual([])
})
