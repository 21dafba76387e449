import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { describe, expect } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import { test } from '../support/tailnet.ts'
import { childrenOf, type Running } from '../support/tailproxy.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))

/** The command lines of a process and of all that it started, as anybody can read them. */
function commandLines(pid: number): string[] {
  const own = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  return [own, ...childrenOf(pid).flatMap(commandLines)]
}

const pidOf = ({ child }: Running): number => child.pid as number

describe('a wrapped command', () => {
  test('has the dial socket and the token in its environment, and nobody in a command line', async ({
    tailnet: { tailproxy },
  }) => {
    const script = 'echo "socket $TAILPROXY_SOCK token $TAILPROXY_TOKEN"; exec sleep 600'
    const running = tailproxy.start(['sh', '-c', script])
    const [, socket = '', token = ''] = await running.says(/^socket (\S+) token (\S+)$/m)
    expect(token).toMatch(/^[0-9a-f]{32}$/)
    const stat = statSync(socket)
    expect(stat.isSocket()).toBe(true)
    expect(stat.mode & 0o777).toBe(0o600)
    expect(statSync(path.dirname(socket)).mode & 0o777).toBe(0o700)
    const lines = commandLines(pidOf(running))
    expect(lines.join('\n')).toContain('tailproxy-sidecar')
    expect(lines.filter((line) => line.includes(token))).toEqual([])
    running.child.kill('SIGTERM')
    await running.finished
  })

  test('is told on stderr which way its connections go when it asks', async ({
    tailnet: { tailproxy },
  }) => {
    const { stderr } = await tailproxy.run(['-verbose', 'true'])
    expect(stderr.match(/^tailproxy: connections: .*$/gm)).toEqual([
      'tailproxy: connections: by the dial socket (TCP simultaneous open)',
    ])
  })
})

test('the dial socket is elsewhere when the state directory has too long a path, and not for long', async ({
  tailnet: { tailproxy },
}) => {
  const state = path.join(tailproxy.directory, 'd'.repeat(100))
  const { status, stdout } = await tailproxy.run(
    ['sh', '-c', 'test -S "$TAILPROXY_SOCK" && echo "$TAILPROXY_SOCK"'],
    { env: { TAILPROXY_STATE_DIR: state, XDG_RUNTIME_DIR: tailproxy.directory } },
  )
  expect(status).toBe(0)
  expect(path.dirname(path.dirname(stdout.trim()))).toBe(tailproxy.directory)
  expect(() => statSync(path.dirname(stdout.trim()))).toThrow('ENOENT')
})

describe.for(['ipv4', 'ipv6'] as const)('over %s', (family) => {
  test.skipIf(lacks('python3'))(
    named('100 non-blocking connects leave the event loop to run on', 'python3'),
    async ({ tailnet: { tailproxy, hello } }) => {
      const command = ['python3', fixture('event_loop.py'), hello[family], '100']
      expect(await tailproxy.run(command)).toMatchObject({ stdout: '100 echoed\n', stderr: '' })
    },
  )

  test.skipIf(lacks('python3'))(
    named('the peer has its own address, in children and after exec too', 'python3'),
    async ({ tailnet: { tailproxy, hello } }) => {
      const peer = hello[family]
      const { stdout } = await tailproxy.run(['python3', fixture('peer_name.py'), peer])
      expect(stdout).toBe(`connect: ${peer}\nfork: ${peer}\nexec: ${peer}, exec came back\n`)
    },
  )
})

const isRoot = process.getuid?.() === 0
test.skipIf(!isRoot || lacks('setpriv', 'curl'))(
  named(
    `a program that changes its user keeps its way in${isRoot ? '' : ' (skipped: needs root)'}`,
    'setpriv',
    'curl',
  ),
  async ({ tailnet: { tailproxy, hello } }) => {
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    const command = [...nobody, 'sh', '-c', 'id -u; curl -sS http://hello/']
    const { stdout, stderr } = await tailproxy.run(command)
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^65534\n/)
    expect(stdout).toContain(hello.name)
  },
)

test.skipIf(lacks('python3'))(
  named('a program that closes every descriptor connects all the same', 'python3'),
  async ({ tailnet: { tailproxy } }) => {
    const { stdout } = await tailproxy.run(['python3', fixture('close_all.py'), 'hello'])
    expect(stdout).toBe('daemon came back\n')
  },
)
