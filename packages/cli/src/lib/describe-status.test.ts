import type { SessionStatus } from '@tailproxy/session/host'
import { expect, test } from 'vitest'
import { describeStatus } from './describe-status.ts'

const NOW = Date.parse('2026-01-02T00:00:00Z')

const found: SessionStatus = {
  ...{ pid: 42, version: '0.1.0', state: 'running', since: '2026-01-01T23:00:00Z' },
  ...{ stateDirectory: '/state', log: '/state/session.log', pinned: false, idleTimeout: 600_000 },
  runs: [
    {
      ...{ run: 'run-1', command: ['curl', 'http://hello/'], pid: 43, lingering: false },
      since: '2026-01-01T23:59:58Z',
    },
    {
      ...{ run: 'run-2', command: ['sh'], pid: 44, lingering: true },
      since: '2026-01-01T23:30:00Z',
    },
  ],
  exports: [],
  sidecar: {
    node: {
      ...{ name: 'laptop.example.ts.net', addresses: ['100.64.0.9'] },
      ...{ tailnet: 'example.com', user: 'alice@example.com' },
    },
    keyExpiry: '2026-01-12T01:00:00Z',
    health: ['no way to the relay'],
    ...{ peers: 3, relay: 'Frankfurt', flows: 2, opened: 7, bytesUp: 10, bytesDown: 2_500 },
    runs: [{ run: 'run-1', flows: 2, bytesUp: 10, bytesDown: 1_500 }],
    exitNode: {
      ...{ state: 'down', reason: 'it is offline', wanted: ['berlin'], lanAccess: true },
    },
  },
}

const flow = {
  ...{ flow: 1, direction: 'outbound', network: 'tcp', source: '127.0.0.1:1' },
  ...{ destination: '100.64.0.1:80', name: 'hello', route: 'tailnet' },
  ...{ ageMs: 2_000, bytesUp: 10, bytesDown: 1_500 },
}

test('says what there is to say of a session', () => {
  expect(describeStatus(found, { flows: [flow], total: 2 }, NOW)).toBe(
    `session    running, for 1 h; process 42, TailProxy 0.1.0
node       laptop.example.ts.net, 100.64.0.9
tailnet    example.com, alice@example.com
key        expires in 10 d 1 h
exit node  berlin, down (it is offline); the local network goes past it
peers      3; this node's relay is Frankfurt
health     no way to the relay
runs       curl http://hello/ (process 43; 2 s; 2 flows, 10 B up, 1.5 kB down)
           sh (has ended, its children have not; 30 min)
exports    0
flows      2 open of 7; 10 B up, 2.5 kB down
idle       in use; leaves 10 min after the last use
control    Tailscale's
state      /state
log        /state/session.log

FLOW   DESTINATION        ROUTE    UP    DOWN    FOR
hello  tcp 100.64.0.1:80  tailnet  10 B  1.5 kB  2 s
and 1 more
`,
  )
})

test('says what programs told of their listeners, and came to nothing', () => {
  const last = 'port 8000 of process 43 is not exported (denied): port 8000 is on the deny list'
  const controlSocket = { unexported: 2, malformed: 0, refused: 1, cut: 0, dropped: 1, last }
  expect(describeStatus({ ...found, controlSocket }, undefined, NOW)).toContain(
    `exports    0\n           2 not exported, 2 connections refused; the last: ${last}\n`,
  )
})

test('says how to log in while that is waited for, and when it leaves', () => {
  const { sidecar, ...others } = found
  const waiting = {
    ...others,
    ...{ state: 'needs-login', url: 'https://log.in/1', runs: [], profile: 'work' },
    ...{ idleAt: '2026-01-02T00:09:00Z', metrics: '127.0.0.1:9090' },
  }
  const text = describeStatus(waiting, undefined, NOW)
  expect(text).toMatch(/^session {2}needs-login, for 1 h/)
  expect(text).toMatch(/^log in {3}open https:\/\/log\.in\/1$/m)
  expect(text).toMatch(/^profile {2}work$/m)
  expect(text).toMatch(/^idle {5}leaves in 9 min, if nobody comes$/m)
  expect(text).toMatch(/^metrics {2}http:\/\/127\.0\.0\.1:9090\/metrics$/m)
})

test.for([
  [{ pinned: true }, 'stays until tailproxy down'],
  [{ idleTimeout: 0 }, 'stays as long as its process'],
] as const)('says that it %s', ([more, text]) => {
  expect(describeStatus({ ...found, ...more }, undefined, NOW)).toContain(`idle       ${text}\n`)
})

test('says that the key has expired', () => {
  const expired = { ...found, sidecar: { ...found.sidecar, keyExpiry: '2026-01-01T23:00:00Z' } }
  expect(describeStatus(expired as SessionStatus, undefined, NOW)).toContain(
    'expired 1 h ago; tailproxy login logs in again',
  )
})
