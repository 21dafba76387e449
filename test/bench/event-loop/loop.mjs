// See README.md: Node's event loop.
import { once } from 'node:events'
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'
import process from 'node:process'

const [host, port, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
const ROUNDS = 2
const SINGLES = 5

async function single() {
  const start = performance.now()
  const socket = connect(port, host)
  await once(socket, 'connect')
  const took = performance.now() - start
  socket.destroy()
  return took
}

async function round() {
  let ticks = 0
  let gap = 0
  let last = performance.now()
  const measure = () => {
    const moment = performance.now()
    gap = Math.max(gap, moment - last)
    last = moment
  }
  const ticker = setInterval(() => {
    ticks += 1
    measure()
  }, 1)

  let pending = 0
  let pendingAtOnce = 0
  let ticksBeforeFirst
  const start = performance.now()
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(port, host)
      pending += 1
      pendingAtOnce = Math.max(pendingAtOnce, pending)
      await once(socket, 'connect')
      pending -= 1
      ticksBeforeFirst ??= ticks
      return socket
    }),
  )
  const total = performance.now() - start
  clearInterval(ticker)
  measure()
  for (const socket of sockets) socket.destroy()
  return { total, gap, connected: sockets.length, pendingAtOnce, ticksBeforeFirst }
}

// The first of all finds the way to the peer.
await single()
const singles = []
for (let i = 0; i < SINGLES; i++) singles.push(await single())
singles.sort((a, b) => a - b)
const rounds = []
for (let i = 0; i < ROUNDS; i++) rounds.push(await round())
console.log(JSON.stringify({ single: singles[Math.floor(SINGLES / 2)], rounds }))
