import { expect, test } from 'vitest'
import { boundTo, type ListenRequest, readListener, targetsOf } from './listener.ts'

function read(request: Omit<ListenRequest, 'port'>) {
  const listener = readListener({ port: 80, ...request })
  if ('invalid' in listener) throw new Error(listener.invalid)
  return listener
}

test.for<
  [ListenRequest['family'], string | undefined, string, string | undefined, string | undefined]
>([
  ['tcp4', '0.0.0.0', '0.0.0.0:80', '127.0.0.1:80', undefined],
  ['tcp4', '192.0.2.1', '192.0.2.1:80', '192.0.2.1:80', undefined],
  ['tcp4', undefined, '127.0.0.1:80', '127.0.0.1:80', undefined],
  ['tcp6', '::', '[::]:80', undefined, '[::1]:80'],
  ['tcp6', undefined, '[::1]:80', undefined, '[::1]:80'],
  ['tcp6', '2001:DB8::0:1', '[2001:db8::1]:80', undefined, '[2001:db8::1]:80'],
  ['tcp46', '::', '[::]:80', '127.0.0.1:80', '[::1]:80'],
  ['tcp46', undefined, '[::]:80', '127.0.0.1:80', '[::1]:80'],
  ['tcp46', '2001:db8::1', '[2001:db8::1]:80', undefined, '[2001:db8::1]:80'],
  ['tcp46', '::ffff:0.0.0.0', '[::ffff:0.0.0.0]:80', '127.0.0.1:80', undefined],
  ['tcp46', '::ffff:192.0.2.1', '[::ffff:192.0.2.1]:80', '192.0.2.1:80', undefined],
])('%s %s is the kernel’s %s, reached at %s and %s', ([family, address, bound, v4, v6]) => {
  const listener = read({ family, address })
  expect(boundTo(listener)).toBe(bound)
  expect({ v4: undefined, v6: undefined, ...targetsOf(listener) }).toEqual({ v4, v6 })
})

test.for<ListenRequest>([
  { family: 'tcp4', port: 0 },
  { family: 'tcp4', port: 65_536 },
  { family: 'tcp4', port: 80.5 },
  { family: 'tcp4', port: Number.NaN },
  { family: 'tcp4', port: 80, address: '::' },
  { family: 'tcp6', port: 80, address: '0.0.0.0' },
  { family: 'tcp46', port: 80, address: 'fe80::1%eth0' },
  { family: 'tcp4', port: 80, address: '' },
])('%o is no listener', (request) => {
  expect(readListener(request)).toEqual({ invalid: expect.any(String) })
})
