import { createSocket, type SocketOptions } from 'node:dgram'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { isUdpBound } from './bound-udp.ts'

async function bind(options: SocketOptions, address: string): Promise<number> {
  const socket = createSocket(options)
  socket.bind(0, address)
  await once(socket, 'listening')
  onTestFinished(() => void socket.close())
  return socket.address().port
}

const four: SocketOptions = { type: 'udp4' }

test.for([
  [four, '127.0.0.1', ['127.0.0.1'], ['127.0.0.2', '::1']],
  [four, '0.0.0.0', ['127.0.0.1', '127.9.9.9'], ['::1']],
  [{ type: 'udp6' }, '::', ['127.0.0.1', '::1', 'fd00::1'], []],
  [{ type: 'udp6' }, '::1', ['::1'], ['127.0.0.1', 'fd00::1']],
  [{ type: 'udp6' }, '::ffff:127.0.0.1', ['127.0.0.1'], ['127.0.0.2', '::1']],
] as const)('finds a socket of %j that is bound to %s', async ([options, address, found, not]) => {
  const port = await bind(options, address)
  for (const each of found) expect([each, isUdpBound(each, port)]).toEqual([each, true])
  for (const each of not) expect([each, isUdpBound(each, port)]).toEqual([each, false])
})
