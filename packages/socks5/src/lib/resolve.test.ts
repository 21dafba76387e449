import { expect, vi } from 'vitest'
import { test } from '../testing/sockets.ts'
import { resolvePtrSocks5, resolveSocks5 } from './resolve.ts'

const commands = ['resolve', 'resolve-ptr'] as const

test.for([
  [['192.0.2.7', '2001:db8::1'], '192.0.2.7'],
  [['2001:DB8::1'], '2001:db8::1'],
] as const)('a name with %o is %s', async ([addresses, expected], { startProxy }) => {
  const resolve = vi.fn(async () => addresses)
  const { at } = await startProxy({ commands, resolve })
  expect(await resolveSocks5({ proxy: at, name: 'hello.lab' })).toBe(expected)
  expect(resolve).toHaveBeenCalledWith('hello.lab', expect.anything())
})

test('an address is itself, without being looked up', async ({ startProxy }) => {
  const resolve = vi.fn(async () => [])
  const { at } = await startProxy({ commands, resolve })
  expect(await resolveSocks5({ proxy: at, name: '192.0.2.7' })).toBe('192.0.2.7')
  expect(resolve).not.toHaveBeenCalled()
})

test('this machine is found without a resolver of one’s own', async ({ startProxy }) => {
  const { at } = await startProxy({ commands })
  expect(['127.0.0.1', '::1']).toContain(await resolveSocks5({ proxy: at, name: 'localhost' }))
})

test('an address has a name', async ({ startProxy }) => {
  const reverse = vi.fn(async () => ['hello.lab', 'other.lab'])
  const { at } = await startProxy({ commands, reverse })
  const address = 'fd7a:115c:a1e0::1'
  expect(await resolvePtrSocks5({ proxy: at, address })).toBe('hello.lab')
  expect(reverse).toHaveBeenCalledWith(address, expect.anything())
})

test.for([
  ['a name that does not exist', { resolve: async () => [] }, 4],
  ['a name that a rule denies', { rules: () => ({ allow: false, reason: 'no' }) as const }, 2],
  ['a proxy that does not resolve', { commands: ['connect'] as const }, 7],
] as const)('%s is reply %i', async ([, options, replyCode], { startProxy }) => {
  const { at } = await startProxy({ commands, ...options })
  await expect(resolveSocks5({ proxy: at, name: 'hello.lab' })).rejects.toMatchObject({ replyCode })
})

test('an address without a name is reply 4', async ({ startProxy }) => {
  const { at } = await startProxy({ commands, reverse: async () => [] })
  const resolving = resolvePtrSocks5({ proxy: at, address: '192.0.2.7' })
  await expect(resolving).rejects.toMatchObject({ code: 'ERR_SOCKS5_REPLY', replyCode: 4 })
})

test('a name is not an address to look up', async ({ startProxy }) => {
  const { at } = await startProxy({ commands })
  await expect(resolvePtrSocks5({ proxy: at, address: 'hello.lab' })).rejects.toMatchObject({
    code: 'ERR_SOCKS5_ADDRESS',
  })
})
