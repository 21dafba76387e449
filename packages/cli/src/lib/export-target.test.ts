import { expect, test } from 'vitest'
import { readExportedPorts, readExportTargets } from './export-target.ts'

test.for([
  [['8080'], [{ port: 8080 }]],
  [
    ['8000-8001', '9000,http'],
    [{ port: 8000 }, { port: 8001 }, { port: 80 }, { port: 9000 }],
  ],
  [['192.0.2.7:80'], [{ port: 80, address: '192.0.2.7' }]],
  [['[2001:db8::7]:80'], [{ port: 80, address: '2001:db8::7' }]],
  [['127.0.0.1:http'], [{ port: 80, address: '127.0.0.1' }]],
  [['53/udp'], [{ port: 53, network: 'udp' }]],
  [['53/tcp'], [{ port: 53 }]],
  [
    ['53/udp,53,5353-5354/udp'],
    [
      { port: 53 },
      { port: 53, network: 'udp' },
      { port: 5353, network: 'udp' },
      { port: 5354, network: 'udp' },
    ],
  ],
  [['[2001:db8::7]:53/udp'], [{ port: 53, network: 'udp', address: '2001:db8::7' }]],
] as const)('reads %j', ([operands, targets]) => {
  expect(readExportTargets(operands)).toEqual(targets)
})

test.for([
  ['0', /0/],
  ['65536', /65536/],
  ['80a', /80a/],
  ['', /names no port/],
  ['2001:db8::7:80', /\[2001:db8::7\]:80/],
  ['[192.0.2.7]:80', /192\.0\.2\.7:80/],
  ['example.com:80', /example\.com/],
  ['192.0.2.7:', /names no port/],
  ['1-2000', /too many/],
  ['53/sctp', /"53\/sctp".*53\/tcp.*53\/udp/],
  ['53/', /53\/udp/],
  ['53/UDP', /53\/udp/],
  ['0/udp', /0/],
  ['/udp', /names no port/],
])('refuses "%s"', ([operand = '', message = '']) => {
  expect(() => readExportTargets([String(operand)])).toThrow(message)
})

test('reads ports alone, and no addresses', () => {
  expect(readExportedPorts(['8080', '53/udp'])).toEqual([
    { port: 8080 },
    { port: 53, network: 'udp' },
  ])
  expect(() => readExportedPorts(['192.0.2.7:80'])).toThrow(/192\.0\.2\.7:80/)
})
