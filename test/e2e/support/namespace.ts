import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const setup = fileURLToPath(new URL('../fixtures/namespace.sh', import.meta.url))

/** Packets that left by the namespace's sockets, by where they were meant to go. */
export interface Sent {
  tailnet4: number
  tailnet6: number
  /** To 198.51.100.0/24, which only an exit node would take. */
  exit: number
  /** To port 53, anywhere. */
  dns: number
}

/** Root makes namespaces as they are; others need a user namespace first. */
const kinds = process.getuid?.() === 0 ? ['-n', '-m'] : ['-r', '-n', '-m']

/** Whether this host lets us make one with a device and counters. */
export function hasNamespaces(): boolean {
  const probe = 'ip link add host0 type veth peer name wire0 && nft list ruleset'
  return spawnSync('unshare', [...kinds, 'sh', '-c', probe], { stdio: 'ignore' }).status === 0
}

/** A network of its own with counters: whatever reaches the host's network would be seen to. */
export class Namespace {
  readonly #holder: ChildProcess
  readonly #directory: string

  private constructor(holder: ChildProcess, directory: string) {
    this.#holder = holder
    this.#directory = directory
  }

  static async create(): Promise<Namespace> {
    const directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-namespace-'))
    const resolvConf = path.join(directory, 'resolv.conf')
    // Short, so that the control which does ask this resolver is soon through.
    writeFileSync(resolvConf, 'nameserver 192.0.2.53\noptions timeout:1 attempts:1\n')
    const holder = spawn('unshare', [...kinds, 'sh', setup, resolvConf], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let said = ''
    holder.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const ended = once(holder, 'close').then(() => {
      throw new Error(`no namespace: ${said}`)
    })
    // Looked at in the race only; later ends are our own doing.
    ended.catch(() => {})
    await Promise.race([once(holder.stdout, 'data'), ended])
    return new Namespace(holder, directory)
  }

  /** The words that run a program inside. It is the program's own process, without another in between. */
  get enter(): [string, ...string[]] {
    const user = kinds.includes('-r') ? ['-U', '--preserve-credentials'] : []
    return ['nsenter', '-t', String(this.#holder.pid), '-n', '-m', ...user, '--']
  }

  /** An executable that is `program` inside. */
  wrapper(program: string): string {
    const file = path.join(this.#directory, path.basename(program))
    const words = [...this.enter, program].map((word) => `'${word}'`).join(' ')
    writeFileSync(file, `#!/bin/sh\nexec ${words} "$@"\n`)
    chmodSync(file, 0o755)
    return file
  }

  sent(): Sent {
    const [file, ...args] = this.enter
    const text = execFileSync(file, [...args, 'nft', '-j', 'list', 'counters'], {
      encoding: 'utf8',
    })
    const entries: { counter?: { name: string; packets: number } }[] = JSON.parse(text).nftables
    const counts = entries.flatMap(({ counter }) =>
      counter ? [[counter.name, counter.packets] as const] : [],
    )
    return Object.fromEntries(counts) as unknown as Sent
  }

  async dispose(): Promise<void> {
    const closed = once(this.#holder, 'close')
    this.#holder.stdin?.end()
    await closed
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
