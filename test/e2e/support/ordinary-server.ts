import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** Milliseconds from the start of a server to its first accepted connection; databases take a while. */
const START_LIMIT = 30_000
/** Milliseconds between two looks whether a server listens by now. */
const LOOK_INTERVAL = 20
/** Milliseconds that a server has to end in order. */
const STOP_LIMIT = 5_000

export interface OrdinaryServerOptions {
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** Runs as this user and group, for servers that refuse to be root. */
  user?: number
}

/** A port of loopback that was free a moment ago, for servers that cannot choose one. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A server program of this host that knows nothing of a tailnet. */
export class OrdinaryServer {
  readonly #child: ChildProcess
  readonly port: number

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  /** Starts it and resolves when it accepts connections on `port` of 127.0.0.1. */
  static async start(
    file: string,
    args: readonly string[],
    port: number,
    options: OrdinaryServerOptions = {},
  ): Promise<OrdinaryServer> {
    const { env, cwd, user } = options
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      ...(user === undefined ? {} : { uid: user, gid: user }),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
    }
    const server = new OrdinaryServer(child, port)
    const deadline = Date.now() + START_LIMIT
    while (!(await listens(port))) {
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
        await server.stop()
        throw new Error(`${file} does not listen on port ${port}: ${said}`)
      }
      await delay(LOOK_INTERVAL)
    }
    return server
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT)
    await exited
    clearTimeout(kill)
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
