import { expect, test } from 'vitest'
import { describeFlow } from './describe-flow.ts'

const FLOW = {
  flow: 7,
  direction: 'outbound',
  network: 'tcp',
  source: '127.0.0.1:50000',
  destination: '100.64.0.1:80',
  route: 'tailnet',
  dialMs: 12,
} as const

test.for([
  [{}, 'flow 7: 100.64.0.1:80 on the tailnet, connected in 12 ms'],
  [{ name: 'hello' }, 'flow 7: hello (100.64.0.1:80) on the tailnet, connected in 12 ms'],
  [
    { peer: 'hello.ts.net' },
    'flow 7: 100.64.0.1:80 on the tailnet, answered by hello.ts.net, connected in 12 ms',
  ],
  [{ route: 'exit' }, 'flow 7: 100.64.0.1:80 through the exit node, connected in 12 ms'],
  [{ route: 'direct' }, 'flow 7: 100.64.0.1:80 directly, not on the tailnet, connected in 12 ms'],
  [{ network: 'udp' }, 'flow 7: UDP to 100.64.0.1:80 on the tailnet'],
  [
    { network: 'udp', peer: 'hello.ts.net' },
    'flow 7: UDP to 100.64.0.1:80 on the tailnet, to hello.ts.net',
  ],
  [
    { direction: 'inbound', source: '100.64.0.5:41000', peer: 'hello.ts.net', export: 3 },
    'flow 7: hello.ts.net (100.64.0.5:41000) came to 100.64.0.1:80, connected in 12 ms',
  ],
  [
    { direction: 'inbound', source: '100.64.0.5:41000', export: 3 },
    'flow 7: 100.64.0.5:41000 came to 100.64.0.1:80, connected in 12 ms',
  ],
] as const)('tells of %j', ([more, line]) => {
  expect(describeFlow({ ...FLOW, ...more })).toBe(line)
})
