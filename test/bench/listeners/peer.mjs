// Another node: `connect HOST PORT` answers when it is connected, `until-refused HOST PORT` with when it is refused.
import { once } from 'node:events'
import { connect } from 'node:net'
import process from 'node:process'
import { createInterface } from 'node:readline'

const now = () => performance.timeOrigin + performance.now()

async function attempt(host, port) {
  const socket = connect({ host, port })
  try {
    await once(socket, 'connect')
  } finally {
    socket.destroy()
  }
}

async function untilRefused(host, port) {
  for (;;) {
    try {
      await attempt(host, port)
    } catch (error) {
      if (error.code === 'ECONNREFUSED') return { at: now() }
      // A reset: the program was gone before its export.
      if (error.code !== 'ECONNRESET') throw error
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [what, host, port] = line.split(' ')
  if (what === 'connect') await attempt(host, Number(port))
  console.log(JSON.stringify(what === 'connect' ? {} : await untilRefused(host, Number(port))))
}
