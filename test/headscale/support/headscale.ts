import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { DOMAIN, settingsFor, writePolicy } from './headscale-settings.ts'
import type { Relay } from './relay.ts'

/** Milliseconds between two looks at a server that starts. */
const LOOK_INTERVAL = 50
/** A port that was free may be taken by the time that headscale gets to it. */
const ATTEMPTS = 3
const USER = 'alice'

/** A node as `headscale nodes list` has it, as far as tests ask. */
export interface HeadscaleNode {
  id: number
  given_name: string
  ip_addresses: string[]
  online?: boolean
  /** Absent for nodes that do not expire. */
  expiry?: { seconds: number }
  tags?: string[]
  available_routes?: string[]
  approved_routes?: string[]
  user?: { name: string }
}

export interface KeyOptions {
  reusable?: boolean
  ephemeral?: boolean
  tags?: readonly string[]
  /** As `30m`. */
  expiration?: string
}

export interface PreAuthKey {
  id: number
  key: string
}

/** A running headscale with a user. */
export class Headscale {
  readonly url: string
  readonly #binary: string
  readonly #directory: string
  readonly #server: ChildProcess
  readonly #closed: Promise<unknown>
  #log = ''
  #user = 0

  private constructor(binary: string, directory: string, port: number) {
    this.#binary = binary
    this.#directory = directory
    this.url = `http://127.0.0.1:${port}`
    this.#server = spawn(binary, ['serve', '--config', this.#settings], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#closed = once(this.#server, 'close')
    for (const output of [this.#server.stdout, this.#server.stderr]) {
      ;(output as Readable).setEncoding('utf8').on('data', (text: string) => {
        this.#log += text
      })
    }
  }

  static async start(binary: string, relay: Relay): Promise<Headscale> {
    const directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-headscale-'))
    await relay.writeDerpFile(path.join(directory, 'derp.yaml'))
    await writePolicy(directory)
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort()
      const settings = settingsFor(directory, port)
      await writeFile(path.join(directory, 'headscale.json'), JSON.stringify(settings))
      const headscale = new Headscale(binary, directory, port)
      if (await headscale.#isUp()) {
        headscale.#user = (await headscale.run<{ id: number }>('users', 'create', USER)).id
        return headscale
      }
      if (attempt < ATTEMPTS && /address already in use/.test(headscale.#log)) continue
      throw new Error(`headscale did not start: ${headscale.#log}`)
    }
  }

  get #settings(): string {
    return path.join(this.#directory, 'headscale.json')
  }

  /** False when it ended before it answered. */
  async #isUp(): Promise<boolean> {
    while (this.#server.exitCode === null && this.#server.signalCode === null) {
      try {
        if ((await fetch(`${this.url}/health`)).ok) return true
      } catch {
        // It does not listen yet.
      }
      await sleep(LOOK_INTERVAL)
    }
    await this.#closed
    return false
  }

  /** Runs `headscale ARGS…` and resolves to what it prints. */
  async run<T>(...args: string[]): Promise<T> {
    const all = [...args, '--config', this.#settings, '--output', 'json']
    const { stdout } = await promisify(execFile)(this.#binary, all)
    return JSON.parse(stdout) as T
  }

  createKey(options: KeyOptions = {}): Promise<PreAuthKey> {
    const { reusable, ephemeral, tags = [], expiration } = options
    const args = ['--user', String(this.#user)]
    if (reusable) args.push('--reusable')
    if (ephemeral) args.push('--ephemeral')
    if (tags.length > 0) args.push('--tags', tags.join(','))
    if (expiration) args.push('--expiration', expiration)
    return this.run<PreAuthKey>('preauthkeys', 'create', ...args)
  }

  /** Lets the node in whose login URL ends with `key`, as whoever runs headscale does. */
  async register(key: string): Promise<void> {
    await this.run('nodes', 'register', '--user', USER, '--key', key)
  }

  async nodes(): Promise<HeadscaleNode[]> {
    return (await this.run<HeadscaleNode[] | null>('nodes', 'list')) ?? []
  }

  async node(name: string): Promise<HeadscaleNode | undefined> {
    return (await this.nodes()).find(({ given_name }) => given_name === name)
  }

  nameOf(hostname: string): string {
    return `${hostname}.${DOMAIN}`
  }

  async stop(): Promise<void> {
    this.#server.kill()
    await this.#closed
    await rm(this.#directory, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port')
  return address.port
}
