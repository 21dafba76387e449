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

/** `settings` are those of tailproxy-loopback, but for the path and the token. */
export async function dialServer(context, settings = {}) {
  const token = randomBytes(32).toString('hex')
  const socket = path.join(await directory(context), 'dial.sock')
  const child = spawn(loopbackServer, [], { stdio: ['pipe', 'pipe', 'pipe'] })
  const events = []
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  child.stdin.on('error', () => {})
  readline.createInterface({ input: child.stdout }).on('line', (line) => {
    events.push(JSON.parse(line))
    child.emit('told')
  })
  const ended = once(child, 'close')
  context.defer(async () => {
    child.stdin.end()
    await ended
  })
  const tell = (line) => child.stdin.write(`${JSON.stringify(line)}\n`)
  /** Resolves to the `count`th event that has these values. */
  async function sees(wanted, count = 1) {
    for (;;) {
      const found = events.filter((event) => matches(event, wanted))
      if (found.length >= count) return found[count - 1]
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`ended without ${JSON.stringify(wanted)}: ${stderr}`)
      }
      await Promise.race([once(child, 'told'), ended])
    }
  }
  tell({ path: socket, token, ...settings })
  const { tarpit4, tarpit6 } = await sees({ event: 'ready' })
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
    hold: () => hold(child),
    release: () => child.kill('SIGCONT'),
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    env: {
      LD_PRELOAD: library,
      ...NO_PROXY,
      TAILPROXY_SOCK: socket,
      TAILPROXY_TOKEN: token,
    },
  }
}
