import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Duplex, Readable } from 'node:stream'
import type { z } from 'zod'
import { Channel, type ChannelHandlers } from './channel.ts'
import { commonMethods, type HelloResult, type Role } from './common-messages.ts'
import { PROTOCOL_VERSION } from './envelope.ts'
import {
  ChannelClosedError,
  SidecarExitedError,
  SidecarProtocolError,
  SidecarSpawnError,
} from './errors.ts'
import { keepTail } from './tail.ts'
import { DRIVER_VERSION } from './version.ts'

const STDERR_TAIL_BYTES = 4096

/** Milliseconds that `stop()` leaves the sidecar to say goodbye to its control server. */
export const DEFAULT_STOP_TIMEOUT = 5_000

/** Milliseconds from spawn to `hello`. Go starts in tens; a cold disk or qemu takes longer. */
export const DEFAULT_SPAWN_TIMEOUT = 30_000

export interface SidecarCommand {
  /** The sidecar's executable. */
  binary: string
  /** Put before the role, for a sidecar that is a script. */
  args?: readonly string[]
  /** The sidecar's whole environment. @default process.env */
  env?: NodeJS.ProcessEnv
  signal?: AbortSignal
}

export interface SidecarExit {
  code: number | null
  signal: NodeJS.Signals | null
}

interface MethodSchema<Params, Result> {
  params: z.ZodType<Params>
  result: z.ZodType<Result>
}

/** A running sidecar that has said hello: its process and its channel. */
export class SidecarProcess {
  readonly hello: HelloResult
  readonly pid: number
  /** Resolves, never rejects, when the process is gone and all of its stderr was read. */
  readonly exited: Promise<SidecarExit>
  readonly #child: ChildProcess
  readonly #channel: Channel

  private constructor(child: ChildProcess, channel: Channel, exited: Promise<SidecarExit>, hello: HelloResult) {
    this.#child = child
    this.#channel = channel
    this.exited = exited
    this.hello = hello
    this.pid = hello.pid
  }

  /**
   * Spawns the sidecar in `role` and shakes hands.
   *
   * @throws {SidecarSpawnError} when the binary cannot be executed
   * @throws {SidecarExitedError} when it ends before it is ready; the message quotes its stderr
   * @throws {SidecarProtocolError} when it is of another version
   */
  static async spawn(
    role: Role,
    command: SidecarCommand,
    handlers: ChannelHandlers,
  ): Promise<SidecarProcess> {
    const { binary, args = [], env = process.env, signal } = command
    signal?.throwIfAborted()
    const child = spawn(binary, [...args, role], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env,
      // A session of its own: Ctrl-C is for the command; the sidecar ends with its channel.
      detached: true,
    })
    try {
      await once(child, 'spawn')
    } catch (cause) {
      throw new SidecarSpawnError(binary, { cause })
    }
    child.stdout?.resume()
    const stderr = keepTail(child.stderr as Readable, STDERR_TAIL_BYTES)
    let gone = false
    // 'close', not 'exit': only then has all of stderr been read.
    const exited = once(child, 'close').then(([code, killedBy]): SidecarExit => {
      gone = true
      return { code, signal: killedBy }
    })
    const channel = new Channel(child.stdio[3] as Duplex, handlers)
    // The channel ends a moment before the process does; the process's own words say more.
    const died = channel.ended.then(async (reason): Promise<never> => {
      if (!(reason instanceof ChannelClosedError)) throw reason
      const { code, signal: killedBy } = await exited
      throw new SidecarExitedError(code, killedBy, stderr.text())
    })
    try {
      const deadline = AbortSignal.timeout(DEFAULT_SPAWN_TIMEOUT)
      const hello = await Promise.race([
        channel.request(
          'hello',
          { protocol: PROTOCOL_VERSION, driver: DRIVER_VERSION },
          signal ? AbortSignal.any([signal, deadline]) : deadline,
        ),
        died,
      ])
      const parsed = commonMethods.hello.result.safeParse(hello)
      if (!parsed.success) {
        throw new SidecarProtocolError(
          `${binary} does not speak channel version ${PROTOCOL_VERSION}; install the sidecar of this version`,
          { cause: parsed.error },
        )
      }
      died.catch(() => {})
      return new SidecarProcess(child, channel, exited, parsed.data)
    } catch (error) {
      died.catch(() => {})
      channel.close()
      if (!gone) child.kill('SIGKILL')
      throw error
    }
  }

  /** Why the channel ended; pending until it does. */
  get ended(): Channel['ended'] {
    return this.#channel.ended
  }

  /** Bytes that crossed the channel, for those who want to know that no payload does. */
  get traffic(): Channel['traffic'] {
    return this.#channel.traffic
  }

  /** Asks and checks the answer's shape. */
  async request<Params extends object, Result>(
    method: string,
    schema: MethodSchema<Params, Result>,
    params: Params,
    signal?: AbortSignal,
  ): Promise<Result> {
    const answer = await this.#channel.request(method, params, signal)
    const parsed = schema.result.safeParse(answer)
    if (parsed.success) return parsed.data
    const error = new SidecarProtocolError(`the sidecar's answer to "${method}" has an unknown shape`, {
      cause: parsed.error,
    })
    this.#channel.close(error)
    throw error
  }

  send(event: string, params: object): void {
    this.#channel.send(event, params)
  }

  /** Ends the session because the other side broke the protocol. */
  fail(error: SidecarProtocolError): void {
    this.#channel.close(error)
  }

  /**
   * Ends the sidecar: asks it to stop, and kills it when it has not ended in `timeout`
   * milliseconds. Safe to call twice, and after it died.
   */
  async stop(timeout: number = DEFAULT_STOP_TIMEOUT): Promise<SidecarExit> {
    const deadline = AbortSignal.timeout(timeout)
    try {
      await this.#channel.request('stop', {}, deadline)
    } catch {
      // Dead already, or deaf: the kill below settles both.
      this.kill()
    }
    this.#channel.close()
    const kill = () => this.kill()
    deadline.addEventListener('abort', kill, { once: true })
    const exit = await this.exited
    deadline.removeEventListener('abort', kill)
    return exit
  }

  /** Ends the process at once. Its connections are reset. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
