import { expect, test } from 'vitest'
import { readExportTargets, readPorts } from './export-target.ts'

test.for([
  [['8080'], [{ port: 8080 }]],
  [
    ['8000-8001', '9000,http'],
    [{ port: 8000 }, { port: 8001 }, { port: 80 }, { port: 9000 }],
  ],
  [['192.0.2.7:80'], [{ port: 80, address: '192.0.2.7' }]],
  [['[2001:db8::7]:80'], [{ port: 80, address: '2001:db8::7' }]],
  [['127.0.0.1:http'], [{ port: 80, address: '127.0.0.1' }]],
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
])('refuses "%s"', ([operand = '', message = '']) => {
  expect(() => readExportTargets([String(operand)])).toThrow(message)
})

test('reads ports alone, and no addresses', () => {
  expect(readPorts(['8080', '22'])).toEqual([8080, 22])
  expect(() => readPorts(['192.0.2.7:80'])).toThrow(/192\.0\.2\.7:80/)
})
