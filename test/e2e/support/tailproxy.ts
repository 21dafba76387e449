import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** The command as `node_modules/.bin` has it. */
export const TAILPROXY: string = fileURLToPath(
  new URL('../../../node_modules/.bin/tailproxy', import.meta.url),
)

export interface Finished {
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface Running {
  child: ChildProcess
  /** Both grow while it runs. */
  output: { stdout: string; stderr: string }
  finished: Promise<Finished>
  /** Resolves when stdout matches; rejects when the process ends first. */
  says: (pattern: RegExp) => Promise<RegExpExecArray>
  /** The same for stderr. */
  warns: (pattern: RegExp) => Promise<RegExpExecArray>
}

export interface StartOptions {
  env?: NodeJS.ProcessEnv
  cwd?: string
  input?: string
}

/** What had to be ended, and what it had said until then. */
export interface Straggler {
  words: readonly string[]
  stdout: string
  stderr: string
}

const running = new Map<ChildProcess, Straggler>()

/** Ends what a failed test left running, with all that it started: a command may hold our pipes for good. */
export async function endStragglers(): Promise<Straggler[]> {
  return Promise.all(
    [...running].map(async ([child, straggler]) => {
      const said = { ...straggler }
      const closed = once(child, 'close')
      for (const pid of treeOf(child.pid as number)) end(pid)
      await closed
      return said
    }),
  )
}

function treeOf(pid: number): number[] {
  try {
    return [pid, ...childrenOf(pid).flatMap(treeOf)]
  } catch {
    // It has ended meanwhile.
    return []
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Starts a program and collects what it says. */
export function start(file: string, args: readonly string[], options: StartOptions = {}): Running {
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { ...cleanEnvironment(), ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const output = { words: [path.basename(file), ...args], stdout: '', stderr: '' }
  running.set(child, output)
  child.once('close', () => running.delete(child))
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8')
    child[name].on('data', (text: string) => {
      output[name] += text
    })
  }
  child.stdin.on('error', () => {})
  child.stdin.end(options.input)
  const finished = once(child, 'close').then(([status, signal]): Finished => {
    const { stdout, stderr } = output
    return { status, signal, stdout, stderr }
  })
  const awaited = (name: 'stdout' | 'stderr') => (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(output[name])
        if (match) resolve(match)
      }
      child[name].on('data', look)
      look()
      void finished.then(({ status, stdout, stderr }) => {
        reject(
          new Error(`ended with ${status} before its ${name} had ${pattern}: ${stdout}${stderr}`),
        )
      })
    })
  return { child, output, finished, says: awaited('stdout'), warns: awaited('stderr') }
}

/** In place of whatever the home of who runs the tests has. */
const NO_SETTINGS = fileURLToPath(new URL('../fixtures/no-settings.json', import.meta.url))

/** Our own environment without settings of TailProxy's. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const others = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !name.startsWith('TAILPROXY_') && !/_proxy$/i.test(name),
    ),
  )
  return { ...others, TAILPROXY_CONFIG: NO_SETTINGS }
}

/** One home on one tailnet: each command gets a state directory of its own. */
export class Tailproxy {
  readonly controlUrl: string
  readonly directory: string
  #states = 0

  constructor(controlUrl: string) {
    this.controlUrl = controlUrl
    this.directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-e2e-'))
  }

  /** Starts `tailproxy ARGS…` on this tailnet. */
  start(args: readonly string[], options: StartOptions = {}): Running {
    this.#states += 1
    return start(TAILPROXY, args, {
      ...options,
      env: {
        TAILPROXY_CONTROL_URL: this.controlUrl,
        TAILPROXY_STATE_DIR: path.join(this.directory, `state-${this.#states}`),
        TAILPROXY_HOSTNAME: `client-${this.#states}`,
        // A session in the background outlives its command; see Profile for tests of those.
        TAILPROXY_FOREGROUND: '1',
        ...options.env,
      },
    })
  }

  run(args: readonly string[], options?: StartOptions): Promise<Finished> {
    return this.start(args, options).finished
  }

  dispose(): void {
    // A session in the background would outlive its state by its idle time.
    for (const file of readdirSync(this.directory, { recursive: true, encoding: 'utf8' })) {
      if (path.basename(file) !== 'session.json') continue
      const { pid } = JSON.parse(readFileSync(path.join(this.directory, file), 'utf8'))
      end(pid)
    }
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** The children of a process, as the kernel has them. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.split(' ').filter(Boolean).map(Number)
}

/** The sidecar of a running tailproxy. */
export function sidecarOf(pid: number): number {
  const sidecar = childrenOf(pid).find((child) => commandOf(child).includes('tailproxy-sidecar'))
  if (sidecar === undefined) throw new Error(`process ${pid} has no sidecar`)
  return sidecar
}

export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0', 1)[0] ?? ''
  } catch {
    return ''
  }
}
