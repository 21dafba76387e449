// Connects by name, and again after each pause: connect.mjs HOST PORT SECONDS,… prints the milliseconds of each as JSON.
import { once } from 'node:events'
import { connect } from 'node:net'
import process from 'node:process'
import { setTimeout } from 'node:timers/promises'

const [host, port, pauses] = process.argv.slice(2)
const times = []

async function measure() {
  const begun = performance.now()
  const socket = connect(Number(port), host)
  await once(socket, 'connect')
  times.push(performance.now() - begun)
  socket.destroy()
}

await measure()
for (const pause of pauses.split(',')) {
  await setTimeout(Number(pause) * 1000)
  await measure()
}
process.stdout.write(JSON.stringify(times))
