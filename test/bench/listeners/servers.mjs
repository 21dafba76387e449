// Starts and kills servers, each a process of its own: `start` and `kill PID` on stdin, an answer of JSON each.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'

const now = () => performance.timeOrigin + performance.now()

const SERVER = `
import json, socket, time
listener = socket.socket()
listener.bind(("0.0.0.0", 0))
begun = time.perf_counter()
listener.listen(64)
took = (time.perf_counter() - begun) * 1000
print(json.dumps({"port": listener.getsockname()[1], "listenMs": took}), flush=True)
while True:
    listener.accept()[0].close()
`

const servers = new Map()

async function start() {
  const server = spawn('python3', ['-c', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] })
  servers.set(server.pid, server)
  const [line] = await once(createInterface({ input: server.stdout }), 'line')
  return { pid: server.pid, ...JSON.parse(line) }
}

async function kill(pid) {
  const at = now()
  servers.get(pid).kill('SIGKILL')
  servers.delete(pid)
  return { at }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [what, pid] = line.split(' ')
  console.log(JSON.stringify(what === 'start' ? await start() : await kill(Number(pid))))
}
for (const server of servers.values()) server.kill()
