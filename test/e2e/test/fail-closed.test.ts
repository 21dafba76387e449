import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { sidecarEnvironment } from '@tailproxy/session'
import { findSidecar, Lab } from '@tailproxy/sidecar'
import { test as base, describe, expect, vi } from 'vitest'
import { hasNamespaces, Namespace } from '../support/namespace.ts'
import { lacks, named } from '../support/needs.ts'
import { type Running, sidecarOf, start, TAILPROXY } from '../support/tailproxy.ts'

// A network namespace whose default route leads to a device, with counters on what is sent: nothing that was meant for the
// tailnet is seen there, whatever happens to the sidecar. All of it runs inside: the lab, the sidecar and the programs.

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
const NOTHING = { tailnet4: 0, tailnet6: 0, exit: 0, dns: 0 }

interface Inside {
  namespace: Namespace
  lab: Lab
  hello: { name: string; ipv4: string; ipv6: string }
  /** Starts `tailproxy ARGS…` in the namespace, on the lab there. */
  tailproxy: (...args: string[]) => Running
  /** Keeps the session that was started last from starting another sidecar. */
  noOther: () => void
}

const test = base.extend<{ inside: Inside }>({
  inside: [
    async ({}, use) => {
      const namespace = await Namespace.create()
      const directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-closed-'))
      const env = sidecarEnvironment(process.env, { lab: true })
      const lab = await Lab.start({ binary: namespace.wrapper(findSidecar()), env })
      let states = 0
      const sidecar = () => {
        const link = path.join(directory, `tailproxy-sidecar-${states}`)
        symlinkSync(findSidecar(), link)
        return link
      }
      const tailproxy = (...args: string[]) => {
        states += 1
        const [file, ...enter] = namespace.enter
        return start(file, [...enter, TAILPROXY, ...args], {
          env: {
            TAILPROXY_CONTROL_URL: lab.info.controlUrl,
            TAILPROXY_STATE_DIR: path.join(directory, `state-${states}`),
            TAILPROXY_SIDECAR: sidecar(),
            TAILPROXY_FOREGROUND: '1',
          },
        })
      }
      const noOther = () => rmSync(path.join(directory, `tailproxy-sidecar-${states}`))
      const [node] = lab.info.nodes
      const [ipv4 = '', ipv6 = ''] = node?.addresses ?? []
      try {
        await use({
          namespace,
          lab,
          hello: { name: node?.name ?? '', ipv4, ipv6 },
          tailproxy,
          noOther,
        })
      } finally {
        await lab.stop()
        await namespace.dispose()
        rmSync(directory, { recursive: true, force: true })
      }
    },
    { scope: 'file' },
  ],
})

const tools = ['unshare', 'nsenter', 'ip', 'nft', 'python3']
const impossible = lacks(...tools) || !hasNamespaces()
const where = impossible
  ? `in a namespace with counters (skipped: needs ${lacks(...tools) ? tools.join(', ') : 'namespaces'})`
  : 'in a namespace with counters'

describe.skipIf(impossible)(where, () => {
  test('the counters count: what is not captured is seen', async ({ inside }) => {
    const { namespace, hello } = inside
    const before = namespace.sent()
    const [file, ...enter] = namespace.enter
    const destinations = [hello.ipv4, hello.ipv6].map((host) => `${host}:80`)
    const dial = ['python3', fixture('dial_when_told.py'), 'now', ...destinations, 'hello:80']
    const { stdout } = await start(file, [...enter, ...dial]).finished
    expect(stdout).toContain('hello: EAI_AGAIN')
    const after = namespace.sent()
    for (const name of ['tailnet4', 'tailnet6', 'dns'] as const) {
      expect(after[name]).toBeGreaterThan(before[name])
    }
  })

  describe.for([
    { name: 'getaddrinfo', needs: 'python3', command: getaddrinfo },
    { name: 'dig', needs: 'dig', command: (name: string) => ['dig', '+short', name, 'A'] },
    {
      name: 'dig over TCP',
      needs: 'dig',
      command: (name: string) => ['dig', '+tcp', '+short', name, 'A'],
    },
    {
      name: 'c-ares in Node',
      needs: 'node',
      command: (name: string) => ['node', fixture('resolve4.mjs'), name],
    },
    {
      name: 'OpenJDK',
      needs: 'javac',
      command: (name: string) => ['java', fixture('Names.java'), name],
    },
  ])('names asked by $name', ({ name, needs, command }) => {
    test.skipIf(lacks(needs))(
      named(`${name} finds a peer, and no resolver of the host is asked`, needs),
      async ({ inside: { namespace, hello, tailproxy } }) => {
        const before = namespace.sent()
        const { status, stdout } = await tailproxy(...command(hello.name)).finished
        expect({ status, lines: stdout.split('\n') }).toMatchObject({
          status: 0,
          lines: expect.arrayContaining([hello.ipv4]),
        })
        expect(since(before, namespace)).toEqual(NOTHING)
      },
    )
  })

  test('connections and datagrams take the tailnet only', async ({ inside }) => {
    const { namespace, hello, tailproxy } = inside
    const before = namespace.sent()
    const destinations = ['hello:80', `${hello.ipv4}:7`, `${hello.ipv6}:7`, `${hello.ipv4}:81`]
    const dial = ['python3', fixture('dial_when_told.py'), 'now', ...destinations]
    const { stdout } = await tailproxy(...dial).finished
    expect(stdout).toBe(
      `hello: connected\n${hello.ipv4}: connected\n${hello.ipv6}: connected\n${hello.ipv4}: ECONNREFUSED\n`,
    )
    const echo = await tailproxy('python3', fixture('udp_echo.py'), hello.ipv4, hello.ipv6).finished
    expect(echo.stdout).toBe(`${hello.ipv4}: echoed\n${hello.ipv6}: echoed\n`)
    expect(since(before, namespace)).toEqual(NOTHING)
  })

  test.for([
    ['killed', 'fresh', 'SIGKILL', 'ENETDOWN'],
    ['killed', 'warm', 'SIGKILL', 'ENETDOWN'],
    // A process that has to introduce itself gives up by itself; one that is known dials, and its own limit ends the wait.
    ['stopped', 'fresh', 'SIGSTOP', 'ENETDOWN'],
    ['stopped', 'warm', 'SIGSTOP', 'EINPROGRESS'],
  ] as const)(
    'with the sidecar %s no packet leaves, and each call of a %s process ends',
    async ([, age, signal, failure], { inside }) => {
      const { namespace, hello, tailproxy, noOther } = inside
      const before = namespace.sent()
      // --only-tailnet makes the last one ours to carry, and so to fail.
      const destinations = [`${hello.ipv4}:80`, `${hello.ipv6}:80`, 'hello:80', '198.51.100.1:80']
      const dial = ['python3', fixture('dial_when_told.py'), age, ...destinations]
      const running = tailproxy('--only-tailnet', ...dial)
      await running.says(/ready/)
      const sidecar = sidecarOf(running.child.pid as number)
      noOther()
      process.kill(sidecar, signal)
      running.child.kill('SIGUSR1')
      await running.says(/198\.51\.100\.1: /)
      // Otherwise the session waits for it.
      if (signal === 'SIGSTOP') process.kill(sidecar, 'SIGCONT')
      const { stdout } = await running.finished
      expect(stdout).toBe(
        `ready\n${hello.ipv4}: ${failure}\n${hello.ipv6}: ${failure}\nhello: EAI_AGAIN\n198.51.100.1: ${failure}\n`,
      )
      expect(since(before, namespace)).toEqual(NOTHING)
    },
  )

  test('with the exit node gone no packet leaves, and what went by it fails', async ({
    inside: { namespace, lab, tailproxy },
  }) => {
    await lab.addNode('leaving', [], { exitNode: 'approved' })
    const before = namespace.sent()
    const dial = ['python3', fixture('dial_when_told.py'), 'warm', '198.51.100.1:80']
    const running = tailproxy('--exit-node=leaving', ...dial)
    await running.says(/ready/)
    await lab.removeNode('leaving', { offline: true })
    running.child.kill('SIGUSR1')
    const { stdout } = await running.finished
    expect(stdout).toMatch(/^ready\n198\.51\.100\.1: E[A-Z]+\n$/)
    expect(since(before, namespace)).toEqual(NOTHING)
  })

  test('while a sidecar that was killed is replaced no packet leaves, and then the tailnet is back', async ({
    inside: { namespace, hello, tailproxy },
  }) => {
    const before = namespace.sent()
    const destinations = [`${hello.ipv4}:80`, `${hello.ipv6}:80`, 'hello:80']
    const warm = ['python3', fixture('dial_when_told.py'), 'warm', ...destinations]
    const other = tailproxy(...warm)
    await other.says(/ready/)
    const killed = sidecarOf(other.child.pid as number)
    process.kill(killed, 'SIGKILL')
    await vi.waitFor(
      () => expect(other.output.stderr).toMatch(/another sidecar is started/),
      10_000,
    )
    await vi.waitFor(() => expect(sidecarOf(other.child.pid as number)).not.toBe(killed), 10_000)
    other.child.kill('SIGUSR1')
    const { stdout } = await other.finished
    // Those that come before the run is known to it fail; none goes another way.
    expect(stdout.replaceAll('ENETDOWN', 'connected').replaceAll('EAI_AGAIN', 'connected')).toBe(
      `ready\n${hello.ipv4}: connected\n${hello.ipv6}: connected\nhello: connected\n`,
    )
    expect(since(before, namespace)).toEqual(NOTHING)
  })

  test.for([
    // The kernel's own end of a connect whose other side is gone, or the library's.
    ['killed', 'SIGKILL', /^pending\n(ENETDOWN|ECONNREFUSED|ECONNRESET)\nafter: ENETDOWN\n$/],
    ['stopped', 'SIGSTOP', /^pending\nETIMEDOUT\nafter: ETIMEDOUT\n$/],
  ] as const)(
    'with the sidecar %s in the middle of a dial it ends, and no packet leaves',
    async ([how, signal, outcome], { inside: { namespace, lab, tailproxy, noOther } }) => {
      const { addresses } = await lab.addNode(`gone-${how}`)
      await lab.removeNode(`gone-${how}`)
      const before = namespace.sent()
      const dial = ['python3', fixture('dial_pending.py'), `${addresses[0]}`, '80']
      const running = tailproxy(...dial)
      await running.says(/pending/)
      const sidecar = sidecarOf(running.child.pid as number)
      noOther()
      process.kill(sidecar, signal)
      if (signal === 'SIGSTOP') {
        await running.says(/after/)
        process.kill(sidecar, 'SIGCONT')
      }
      const { stdout } = await running.finished
      expect(stdout).toMatch(outcome)
      expect(since(before, namespace)).toEqual(NOTHING)
    },
  )
})

function getaddrinfo(name: string): string[] {
  const script =
    'import socket, sys; print(*{a[4][0] for a in socket.getaddrinfo(sys.argv[1], 80)}, sep="\\n")'
  return ['python3', '-c', script, name]
}

function since(before: ReturnType<Namespace['sent']>, namespace: Namespace): typeof NOTHING {
  const now = namespace.sent()
  return {
    tailnet4: now.tailnet4 - before.tailnet4,
    tailnet6: now.tailnet6 - before.tailnet6,
    exit: now.exit - before.exit,
    dns: now.dns - before.dns,
  }
}
