import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'vitest'
import { test } from '../support/profile.ts'

test('shows the peers, how they are reached and what was carried', async ({ profile }) => {
  await profile.run(['curl', '-s', 'http://hello/bytes/50000'])
  const { stdout } = await profile.run(['peers'])
  expect(stdout).toMatch(/^NAME +ADDRESS +OS +STATE +PATH +UP +DOWN$/m)
  expect(stdout).toMatch(
    /^hello\.\S+ +100\.\S+ +\S+ +online +(direct|relay) \S+ +\d+ B +50\.\d kB$/m,
  )
})

test('pings a peer, and fails by its status when there is no answer', async ({
  profile,
  tailnet: { lab },
}) => {
  const { status, stdout } = await profile.run(['peers', 'ping', '-c', '2', 'hello'])
  expect(status).toBe(0)
  expect(stdout).toMatch(/^(hello\.\S+ \(100\.\S+\): [\d.]+ ms, (direct|relay) \S+\n){2}$/)
  expect(await profile.run(['peers', 'ping', 'hallo'])).toMatchObject({
    status: 125,
    stderr: expect.stringMatching(/did you mean hello/),
  })
  await lab.addNode('mortal')
  await lab.removeNode('mortal')
  expect(await profile.run(['peers', 'ping', '-c', '1', 'mortal'])).toMatchObject({ status: 1 })
})

test('shows flows with names and bytes, and counts them for Prometheus', async ({ profile }) => {
  const hold = 'exec 3<>"/dev/tcp/hello/7"; echo up; read -r <&3'
  const running = profile.start(['bash', '-c', hold])
  await running.says(/up/)
  const { stdout } = await profile.run(['status'])
  expect(stdout).toMatch(/^hello +tcp 100\.\S+:7 +tailnet/m)
  const socketPath = path.join(profile.state, 'session.sock')
  const asked = request({ socketPath, path: '/metrics', agent: false }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const metrics = await text(response)
  expect(metrics).toMatch(/^tailproxy_up 1$/m)
  expect(metrics).toMatch(/^tailproxy_connect_latency_seconds_count [1-9]/m)
  expect(metrics).toMatch(/^tailproxy_peer_connects_total\{peer="hello\.[^"]+"\} [1-9]/m)
  running.child.kill()
  await running.finished
})
