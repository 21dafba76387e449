import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect } from 'vitest'
import { lacks, named } from '../support/needs.ts'
import { test } from '../support/profile.ts'

// The commands of the design document's section "Manual Testing", with names of the lab, and ports that are free, in place of those there.

const EXIT_ONLY = 'http://198.51.100.7/'

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const PYTHON = 'python3'

test('basic functionality', async ({ profile }) => {
  expect(await profile.run(['echo', 'hello'])).toEqual({
    ...{ status: 0, signal: null, stdout: 'hello\n', stderr: '' },
  })
})

test('network interception', async ({ profile }) => {
  const { stdout, stderr } = await profile.run(['-verbose', 'curl', '-s', 'http://hello/'])
  expect(stdout).toContain('Hello')
  expect(stderr).toMatch(
    /^tailproxy: flow 1: hello \(100\.\S+:80\) on the tailnet, answered by hello/m,
  )
})

test('with an exit node', async ({ profile }) => {
  const direct = await profile.run(['--only-tailnet', 'curl', '-s', '-m', '5', EXIT_ONLY])
  expect(direct.status).not.toBe(0)
  await profile.run(['down'])
  const { status, stdout, stderr } = await profile.run(['-exit-node=exit', 'curl', '-s', EXIT_ONLY])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(/exit/)
})

test.skipIf(lacks(PYTHON))(
  named('with a program that knows no proxy', PYTHON),
  async ({ profile }) => {
    const script = "import urllib.request; print(urllib.request.urlopen('http://hello/').read())"
    const { stdout } = await profile.run(['python3', '-c', script])
    expect(stdout).toContain('Hello')
  },
)

test.skipIf(lacks(PYTHON))(
  named('exported listeners: on loopback here, and a port of the node on the tailnet', PYTHON),
  async ({ profile }) => {
    const port = await freePort()
    const server = ['python3', '-m', 'http.server', String(port)]
    const serving = profile.start(['-export-listeners', '-verbose', ...server], {
      cwd: profile.directory,
    })
    const [, name = ''] = await serving.warns(/export: (\S+):\d+ \(.* leads to 127\.0\.0\.1:/)
    // Another device of the tailnet.
    const peer = await profile.another(['curl', '-s', `http://${name}:${port}/`])
    expect(peer.stdout).toContain('Directory listing')
    serving.child.kill('SIGINT')
    await serving.finished
  },
)

test.skipIf(lacks(PYTHON))(named('port filtering', PYTHON), async ({ profile }) => {
  const [port, other] = [await freePort(), await freePort()]
  const server = ['python3', '-m', 'http.server', String(port)]
  const allow = `-export-allow-ports=${other}`
  const serving = profile.start(['-export-listeners', allow, ...server], {
    cwd: profile.directory,
  })
  await serving.warns(/port \d+ is not on the allow list|not exported/)
  expect(JSON.parse((await profile.run(['export', 'ls', '--json'])).stdout)).toEqual({
    exports: [],
  })
  serving.child.kill('SIGINT')
  await serving.finished
})
