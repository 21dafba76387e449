// A dial socket without a tailnet: sidecar/cmd/tailproxy-loopback, with servers on loopback behind it.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import readline from 'node:readline'
import { setImmediate } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { library, loopbackServer } from './toolchain.mjs'

/** The SOCKS5 server that programs are told of beside a dial socket: nobody, so that a dial by that way shows. */
const NO_PROXY = { TAILPROXY_HOST: '127.0.0.1', TAILPROXY_PORT: '9' }

async function directory(context) {
  const made = await mkdtemp(path.join(os.tmpdir(), 'tailproxy-dial-'))
  context.defer(() => rm(made, { recursive: true }))
  return made
}

function matches(event, wanted) {
  return Object.entries(wanted).every(([key, value]) => isDeepStrictEqual(event[key], value))
}

/** Each thread stops by itself, some time after the signal. */
async function hold(child) {
  child.kill('SIGSTOP')
  const threads = `/proc/${child.pid}/task`
  const stands = async (thread) =>
    /\) T /.test(await readFile(path.join(threads, thread, 'stat'), 'utf8'))
  while (!(await Promise.all((await readdir(threads)).map(stands))).every(Boolean))
    await setImmediate()
}

/** Starts one, whose events come behind those that there are. */
function launch(context, events) {
  const child = spawn(loopbackServer, [], { stdio: ['pipe', 'pipe', 'pipe'] })
  const server = { child, stderr: '', ended: once(child, 'close') }
  child.stderr.setEncoding('utf8').on('data', (text) => {
    server.stderr += text
  })
  child.stdin.on('error', () => {})
  readline.createInterface({ input: child.stdout }).on('line', (line) => {
    events.push(JSON.parse(line))
    child.emit('told')
  })
  context.defer(async () => {
    child.stdin.end()
    await server.ended
  })
  return server
}

/** `settings` are those of tailproxy-loopback, but for the path and the token. */
export async function dialServer(context, settings = {}) {
  const token = randomBytes(32).toString('hex')
  const socket = path.join(await directory(context), 'dial.sock')
  const events = []
  let now = launch(context, events)
  const tell = (line) => now.child.stdin.write(`${JSON.stringify(line)}\n`)
  /** Resolves to the `count`th event that has these values. */
  async function sees(wanted, count = 1) {
    for (;;) {
      const found = events.filter((event) => matches(event, wanted))
      if (found.length >= count) return found[count - 1]
      const { child } = now
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`ended without ${JSON.stringify(wanted)}: ${now.stderr}`)
      }
      await Promise.race([once(child, 'told'), now.ended])
    }
  }
  tell({ path: socket, token, ...settings })
  const { tarpit4, tarpit6 } = await sees({ event: 'ready' })
  let starts = 1
  return {
    path: socket,
    token,
    tarpit4,
    tarpit6,
    events,
    sees,
    tell,
    /** What has happened, without who did it. */
    told: (event) => events.filter((one) => one.event === event),
    /** Stands still until `release()`: nothing that is asked of it meanwhile is answered. */
    hold: () => hold(now.child),
    release: () => now.child.kill('SIGCONT'),
    async kill() {
      now.child.kill('SIGKILL')
      await now.ended
    },
    /** Begins anew where one was killed, as it was told at first and with what `changed` has. Resolves to its `ready`. */
    again(changed = {}) {
      starts += 1
      now = launch(context, events)
      tell({ path: socket, token, ...settings, ...changed })
      return sees({ event: 'ready' }, starts)
    },
    env: {
      LD_PRELOAD: library,
      ...NO_PROXY,
      TAILPROXY_SOCK: socket,
      TAILPROXY_TOKEN: token,
    },
  }
}
