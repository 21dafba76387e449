import { describeExport } from '@tailproxy/session/host'
import { expect, test } from 'vitest'
import { describeExports } from './describe-exports.ts'

const ONE = {
  network: 'tcp' as const,
  port: 8080,
  targets: ['127.0.0.1:8080', '[::1]:8080'],
  addresses: ['100.64.0.9:8080'],
  connections: 2,
  accepted: 31,
  refused: 0,
  bytesUp: 999,
  bytesDown: 1_234_567,
  pids: [42],
}

test('lists exports in columns', () => {
  const other = { ...ONE, port: 22, targets: ['192.0.2.7:22'], bytesDown: 0, pids: [] }
  expect(describeExports([ONE, other])).toBe(`\
PORT  TO                         OPEN  ACCEPTED  REFUSED  UP     DOWN    PID
8080  127.0.0.1:8080 [::1]:8080  2     31        0        999 B  1.2 MB  42
22    192.0.2.7:22               2     31        0        999 B  0 B     -
`)
})

test('tells which are of UDP, and what was lost of them', () => {
  const error = { code: 'refused', message: 'nobody has 127.0.0.1:53 of UDP on this host' }
  const ofUdp = {
    ...ONE,
    network: 'udp' as const,
    port: 53,
    targets: ['127.0.0.1:53'],
    dropped: 4,
    error,
  }
  expect(describeExports([ofUdp])).toBe(`\
PORT    TO            OPEN  ACCEPTED  REFUSED  UP     DOWN    PID
53/udp  127.0.0.1:53  2     31        0        999 B  1.2 MB  42
port 53/udp, its last peer: nobody has 127.0.0.1:53 of UDP on this host
port 53/udp: 4 datagrams were not carried
`)
  expect(describeExport(ofUdp, 'web')).toMatch(/^web:53\/udp \(/)
})

test('says so when there is none', () => {
  expect(describeExports([])).toBe('nothing is exported\n')
})

test('tells where the tailnet finds one', () => {
  expect(describeExport(ONE, 'web.example.ts.net')).toBe(
    'web.example.ts.net:8080 (100.64.0.9:8080) leads to 127.0.0.1:8080 and [::1]:8080',
  )
})
