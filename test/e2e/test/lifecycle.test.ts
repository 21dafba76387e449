import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, vi } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import { test } from '../support/tailnet.ts'
import { isRunning, type Running, sidecarOf } from '../support/tailproxy.ts'

const afterwards = fileURLToPath(new URL('../fixtures/afterwards.py', import.meta.url))
const hold = fileURLToPath(new URL('../fixtures/hold.py', import.meta.url))

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'tailproxy-lifecycle-'))
  chmodSync(scratch, 0o755)
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const pidOf = ({ child }: Running): number => child.pid as number
const gone = (pid: number) => vi.waitFor(() => expect(isRunning(pid)).toBe(false), 10_000)

describe('the exit status', () => {
  test("is the command's", async ({ tailnet: { tailproxy } }) => {
    expect(await tailproxy.run(['sh', '-c', 'echo out; echo err >&2; exit 7'])).toEqual({
      status: 7,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
    })
  })

  test('is the signal that killed the command', async ({ tailnet: { tailproxy } }) => {
    const { signal, stderr } = await tailproxy.run(['sh', '-c', 'kill -KILL $$'])
    expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' })
  })

  test('is 127 for a command that is not there', async ({ tailnet: { tailproxy } }) => {
    expect(await tailproxy.run(['no-such-command'])).toMatchObject({
      status: 127,
      stderr: 'tailproxy: no-such-command: command not found\n',
    })
  })

  test('is 126 for one that cannot be executed', async ({ tailnet: { tailproxy } }) => {
    expect(await tailproxy.run(['/etc/passwd'])).toMatchObject({
      status: 126,
      stderr: 'tailproxy: /etc/passwd: permission denied\n',
    })
  })
})

test('stdin reaches the command', async ({ tailnet: { tailproxy } }) => {
  expect(await tailproxy.run(['cat'], { input: 'through\n' })).toMatchObject({
    stdout: 'through\n',
    stderr: '',
  })
})

test.for(['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGUSR1'] as const)(
  '%s to the wrapper reaches the command',
  async (signal, { tailnet: { tailproxy } }) => {
    const name = signal.slice(3)
    const script = `trap 'echo got ${name}; exit 3' ${name}; echo ready; while :; do sleep 0.05; done`
    const running = tailproxy.start(['sh', '-c', script])
    await running.says(/ready/)
    running.child.kill(signal)
    expect(await running.finished).toMatchObject({
      status: 3,
      stdout: `ready\ngot ${name}\n`,
    })
  },
)

test.skipIf(lacks('python3'))(
  named('a sidecar that is killed resets what was connected, and leaves nothing', 'python3'),
  async ({ tailnet: { tailproxy } }) => {
    const running = tailproxy.start(['python3', hold, 'hello'])
    await running.says(/connected/)
    const sidecar = sidecarOf(pidOf(running))
    process.kill(sidecar, 'SIGKILL')
    const { status, stdout, stderr } = await running.finished
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'connected\nended: ECONNRESET\n' })
    expect(stderr).toContain('SIGKILL')
    await gone(sidecar)
  },
)

test.skipIf(lacks('python3'))(
  named('with the sidecar gone nothing goes another way: dials and names fail', 'python3'),
  async ({ tailnet: { tailproxy, hello } }) => {
    const running = tailproxy.start(['--only-tailnet', 'python3', afterwards, hello.ipv4])
    await running.says(/ready/)
    process.kill(sidecarOf(pidOf(running)), 'SIGKILL')
    const { stdout } = await running.finished
    expect(stdout).toBe(
      `ready\nlost\n192.0.2.1: ENETDOWN\n${hello.ipv4}: ENETDOWN\nhello: EAI_AGAIN\n`,
    )
  },
)

test.skipIf(lacks('python3'))(
  named('a wrapper that is killed leaves no sidecar', 'python3'),
  async ({ tailnet: { tailproxy } }) => {
    const running = tailproxy.start(['python3', hold, 'hello'])
    await running.says(/connected/)
    const sidecar = sidecarOf(pidOf(running))
    running.child.kill('SIGKILL')
    const { stdout } = await running.finished
    expect(stdout).toBe('connected\nended: ECONNRESET\n')
    await gone(sidecar)
  },
)

test('Ctrl-C while the node comes up takes everything down', async ({ tailnet: { tailproxy } }) => {
  // A control server that never answers: the node cannot come up.
  const running = tailproxy.start(['true'], {
    env: { TAILPROXY_CONTROL_URL: 'http://127.0.0.1:9/' },
  })
  const sidecar = await vi.waitFor(() => sidecarOf(pidOf(running)), 10_000)
  running.child.kill('SIGINT')
  expect(await running.finished).toMatchObject({ signal: 'SIGINT' })
  await gone(sidecar)
})

describe('a program that cannot be captured', () => {
  test.skipIf(lacks('cc'))(
    named('is refused when it is static', 'cc'),
    async ({ tailnet: { tailproxy } }) => {
      const program = path.join(scratch, 'static')
      execFileSync('cc', ['-static', '-x', 'c', '-o', program, '-'], {
        input: 'int main(){return 4;}',
      })
      expect(await tailproxy.run([program])).toMatchObject({
        status: 125,
        stderr: `tailproxy: ${program} is statically linked, so the preload library cannot be loaded into it; its traffic would go past the tailnet (--allow-unwrapped runs it all the same)\n`,
      })
      expect(await tailproxy.run(['--allow-unwrapped', program])).toMatchObject({
        status: 4,
        stderr: expect.stringContaining('it runs without TailProxy'),
      })
    },
  )

  const isRoot = process.getuid?.() === 0
  test.skipIf(!isRoot)(
    `is refused when it is set-uid to another user${isRoot ? '' : ' (skipped: needs root)'}`,
    async ({ tailnet: { tailproxy } }) => {
      const program = path.join(scratch, 'set-uid')
      copyFileSync('/bin/true', program)
      chownSync(program, 65534, 65534)
      chmodSync(program, 0o4755)
      expect(await tailproxy.run([program])).toMatchObject({
        status: 125,
        stderr: expect.stringContaining('is set-uid (user 65534)'),
      })
    },
  )
})

test.skipIf(lacks('curl'))(
  named('a tailproxy inside a wrapped command joins its session', 'curl'),
  async ({ tailnet: { tailproxy, hello } }) => {
    const { stdout, stderr, status } = await tailproxy.run([
      'sh',
      '-c',
      `"${path.resolve(fileURLToPath(new URL('../../../node_modules/.bin/tailproxy', import.meta.url)))}" curl -sS http://hello/`,
    ])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain(hello.name)
  },
)

test('a joined command cannot ask for another node', async ({ tailnet: { tailproxy } }) => {
  const command = fileURLToPath(new URL('../../../node_modules/.bin/tailproxy', import.meta.url))
  const running = tailproxy.start(['sh', '-c', `"${command}" -hostname=other true`])
  const { status, stderr } = await running.finished
  expect(status).toBe(125)
  expect(stderr).toMatch(
    /--hostname is "other", but the session this command is in has "client-\d+"/,
  )
})

test('a wrapped command is not given the keys', async ({ tailnet: { tailproxy } }) => {
  const { stdout } = await tailproxy.run(['env'], {
    env: { TAILPROXY_AUTHKEY: 'tskey-secret', TS_AUTHKEY: 'tskey-secret' },
  })
  expect(stdout).not.toContain('tskey-secret')
  expect(stdout).toMatch(/^LD_PRELOAD=\/\S*libtailproxy-[0-9a-f]+\.so$/m)
})

test.skipIf(lacks('curl'))(
  named('a child with a cleared environment is captured too', 'curl'),
  async ({ tailnet: { tailproxy, hello } }) => {
    const command = ['env', '-i', 'PATH=/usr/bin:/bin', 'curl', '-sS', 'http://hello/']
    const { status, stdout } = await tailproxy.run(command)
    expect(status).toBe(0)
    expect(stdout).toContain(hello.name)
  },
)

test.skipIf(lacks('cc'))(
  named('a static child is told of, and with --only-tailnet not started', 'cc'),
  async ({ tailnet: { tailproxy } }) => {
    const program = path.join(scratch, 'static-child')
    execFileSync('cc', ['-static', '-x', 'c', '-o', program, '-'], {
      input: 'int main(){return 4;}',
    })
    const told = await tailproxy.run(['sh', '-c', `${program}; exit $?`])
    expect(told).toMatchObject({ status: 4, stderr: expect.stringContaining('is static') })
    const refused = await tailproxy.run(['--only-tailnet', 'sh', '-c', `${program}; exit $?`])
    expect(refused).toMatchObject({ status: 126, stderr: expect.stringContaining('not started') })
  },
)

test('the state directory is private and no session file stays behind', async ({
  tailnet: { tailproxy },
}) => {
  const state = path.join(scratch, 'state')
  expect(
    await tailproxy.run(['stat', '-c', '%a', state], { env: { TAILPROXY_STATE_DIR: state } }),
  ).toMatchObject({
    stdout: '700\n',
  })
  expect(existsSync(path.join(state, 'session.json'))).toBe(false)
})
