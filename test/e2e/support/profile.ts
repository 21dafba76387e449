import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { test as base } from './tailnet.ts'
import {
  type Finished,
  isRunning,
  type Running,
  type StartOptions,
  sidecarOf,
  start,
  type Tailproxy,
} from './tailproxy.ts'

/** The commands of one user on a tailnet: they share a session in the background. */
export class Profile {
  readonly directory: string
  readonly state: string
  readonly #tailproxy: Tailproxy
  readonly #seen = new Set<number>()

  constructor(tailproxy: Tailproxy) {
    this.#tailproxy = tailproxy
    this.directory = mkdtempSync(path.join(tmpdir(), 'tailproxy-profile-'))
    this.state = path.join(this.directory, 'state')
  }

  /** What makes a command one of this user's. */
  get env(): Record<string, string> {
    return {
      TAILPROXY_CONTROL_URL: this.#tailproxy.controlUrl,
      TAILPROXY_STATE_DIR: this.state,
      TAILPROXY_FOREGROUND: '',
      TAILPROXY_HOSTNAME: path.basename(this.directory).toLowerCase(),
    }
  }

  start(args: readonly string[], options: StartOptions = {}): Running {
    return this.#tailproxy.start(args, { ...options, env: { ...this.env, ...options.env } })
  }

  /** Starts a program that starts our command. */
  startProgram(file: string, args: readonly string[]): Running {
    return start(file, args, { env: this.env })
  }

  /** A command of another node on the same tailnet, which ends with it. */
  another(args: readonly string[]): Promise<Finished> {
    return this.#tailproxy.run(args)
  }

  async run(args: readonly string[], options?: StartOptions): Promise<Finished> {
    const finished = await this.start(args, options).finished
    // Remembered, so that none outlives the test.
    void this.pid()
    return finished
  }

  /** The session's process, as it says itself. */
  pid(): number | undefined {
    const file = path.join(this.state, 'session.json')
    if (!existsSync(file)) return undefined
    const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number }
    this.#seen.add(pid)
    return pid
  }

  sidecarPid(): number {
    return sidecarOf(this.pid() as number)
  }

  /** What it has written since it first started. */
  log(): string {
    return readFileSync(path.join(this.state, 'session.log'), 'utf8')
  }

  async dispose(): Promise<void> {
    await this.run(['down'])
    for (const pid of this.#seen) if (isRunning(pid)) process.kill(pid, 'SIGKILL')
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** Tests of a user whose commands share a session; it has ended when the test has. */
export const test = base.extend<{ profile: Profile }>({
  profile: async ({ tailnet }, use) => {
    const profile = new Profile(tailnet.tailproxy)
    await use(profile)
    await profile.dispose()
  },
})
