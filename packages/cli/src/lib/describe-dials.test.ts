import { expect, test } from 'vitest'
import { describeDials } from './describe-dials.ts'

test.for([
  [{ tarpit: 'both' }, 'connections: by the dial socket (TCP simultaneous open)'],
  [
    { tarpit: 'ipv4', detail: 'there is no ::1' },
    'connections: by the dial socket (TCP simultaneous open); over IPv6 by SOCKS5: there is no ::1',
  ],
  [{ tarpit: 'none', detail: 'gVisor' }, 'connections: by SOCKS5: gVisor'],
  [{ tarpit: 'none' }, 'connections: by SOCKS5'],
] as const)('tells of %j', ([dials, line]) => {
  expect(describeDials(dials)).toBe(line)
})
