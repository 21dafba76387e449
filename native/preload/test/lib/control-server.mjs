// A control socket (docs/control-protocol.md, version 2) that remembers what it is told and answers as it is told.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { library } from './toolchain.mjs'

/** Nobody: only listeners are looked at. */
const NO_PROXY = { TAILPROXY_HOST: '127.0.0.1', TAILPROXY_PORT: '9' }

class Connection {
  lines = []
  ended = false
  constructor(number, socket) {
    this.number = number
    this.socket = socket
  }
}

/**
 * `answer(line)` gives the words behind REFUSED and the id, or undefined for OK, or null for no answer at all.
 */
export async function controlServer(context, { answer = () => undefined, hello = 'HELLO 2' } = {}) {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'tailproxy-control-'))
  context.defer(() => rm(directory, { recursive: true }))
  const file = path.join(directory, 'control.sock')
  const connections = []
  const server = net.createServer((socket) => {
    const connection = new Connection(connections.length, socket)
    connections.push(connection)
    let rest = ''
    socket.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()
      for (const line of lines) {
        connection.lines.push(line)
        reply(socket, line)
      }
      server.emit('told')
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      connection.ended = true
      server.emit('told')
    })
  })
  function reply(socket, line) {
    const [verb, id] = line.split(' ')
    if (verb === 'HELLO') {
      if (hello) socket.write(`${hello}\n`)
      return
    }
    const refused = answer(line)
    if (id === '0' || refused === null) return
    socket.write(refused === undefined ? `OK ${id}\n` : `REFUSED ${id} ${refused}\n`)
  }
  server.listen(file)
  await once(server, 'listening')
  context.defer(async () => {
    for (const { socket } of connections) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    file,
    connections,
    env: {
      LD_PRELOAD: library,
      ...NO_PROXY,
      TAILPROXY_EXPORT_LISTENERS: '1',
      TAILPROXY_CONTROL_SOCK: file,
    },
    /** Every line but HELLO, without ids, the cookie as C and the port as P, with the number of its connection. */
    told: () =>
      connections.flatMap(({ number, lines }) =>
        lines
          .filter((line) => !line.startsWith('HELLO'))
          .map((line) => {
            const [verb, , family, address] = line.split(' ')
            return `${number} ${verb} ${family} ${address}`
          }),
      ),
    /** Resolves when `condition()` holds, which is looked at whenever something has come. */
    async until(condition) {
      while (!condition()) await once(server, 'told')
    },
  }
}
