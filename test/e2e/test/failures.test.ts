import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import { test } from '../support/tailnet.ts'

const connectErrno = fileURLToPath(new URL('../fixtures/connect_errno.py', import.meta.url))
const needsPython = lacks('python3')

test.skipIf(lacks('curl'))(
  named('a port nobody listens on is "connection refused" to curl', 'curl'),
  async ({ tailnet }) => {
    const { status, stderr } = await tailnet.tailproxy.run(['curl', '-sSv', 'http://hello:81/'])
    expect(status).toBe(7)
    expect(stderr).toContain('Connection refused')
  },
)

describe.for(['blocking', 'non-blocking'])('a %s connect', (mode) => {
  test.skipIf(needsPython)(
    named('ends with ECONNREFUSED on a closed port', 'python3'),
    async ({ tailnet: { tailproxy, hello } }) => {
      for (const host of [hello.ipv4, hello.ipv6]) {
        const { stdout } = await tailproxy.run(['python3', connectErrno, mode, host, '81'])
        expect(stdout).toBe('ECONNREFUSED\n')
      }
    },
  )

  test.skipIf(needsPython)(
    named('ends with ENETUNREACH where no peer is', 'python3'),
    async ({ tailnet }) => {
      const command = ['python3', connectErrno, mode, '100.127.254.254', '80']
      const { stdout } = await tailnet.tailproxy.run(command)
      expect(stdout).toBe('ENETUNREACH\n')
    },
  )

  test.skipIf(needsPython)(
    named('ends with ETIMEDOUT when the peer does not answer any more', 'python3'),
    async ({ tailnet: { lab, tailproxy } }) => {
      const { addresses } = await lab.addNode(`gone-${mode}`)
      await lab.removeNode(`gone-${mode}`)
      const command = ['python3', connectErrno, mode, addresses[0] as string, '80']
      const { stdout } = await tailproxy.run(command)
      expect(stdout).toBe('ETIMEDOUT\n')
    },
  )

  test.skipIf(needsPython)(
    named('reaches this host itself directly, listening or not', 'python3'),
    async ({ tailnet: { tailproxy } }) => {
      const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const port = String((server.address() as AddressInfo).port)
      const open = await tailproxy.run([
        '-verbose',
        'python3',
        connectErrno,
        mode,
        '127.0.0.1',
        port,
      ])
      expect(open.stdout).toBe('connected\n')
      expect(open.stderr).not.toContain('flow')
      server.close()
      await once(server, 'close')
      const closed = await tailproxy.run(['python3', connectErrno, mode, '127.0.0.1', port])
      expect(closed.stdout).toBe('ECONNREFUSED\n')
    },
  )
})

test.skipIf(lacks('curl')).for(['nosuchpeer', 'nosuchpeer.tail-lab.ts.net'])(
  named('the unknown name %s "could not be resolved"', 'curl'),
  async (name, { tailnet }) => {
    const { status, stderr } = await tailnet.tailproxy.run(['curl', '-sS', `http://${name}/`])
    expect({ status, stderr }).toEqual({
      status: 6,
      stderr: `curl: (6) Could not resolve host: ${name}\n`,
    })
  },
)

test.skipIf(lacks('curl'))(
  named('with --only-tailnet a destination outside is refused, not dialled', 'curl'),
  async ({ tailnet }) => {
    const { status, stderr } = await tailnet.tailproxy.run([
      '--only-tailnet',
      'curl',
      '-sSv',
      'http://192.0.2.1/',
    ])
    expect(status).toBe(7)
    expect(stderr).toContain('Permission denied')
  },
)
