import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Duplex, Readable } from 'node:stream'
import type { z } from 'zod'
import { Channel, type ChannelHandlers } from './channel.ts'
import { commonMethods, type HelloResult, type Role } from './common-messages.ts'
import { PROTOCOL_VERSION } from './envelope.ts'
import {
  ChannelLostError,
  type SidecarError,
  SidecarExitedError,
  SidecarProtocolError,
  SidecarRequestError,
  SidecarSpawnError,
} from './errors.ts'
import { keepTail } from './tail.ts'
import { DRIVER_VERSION } from './version.ts'

const STDERR_TAIL_BYTES = 4096

/** What a sidecar says that was built by hand, with `go build`; who did that knows what fits. */
const UNVERSIONED = '0.0.0-dev'

const REMEDY = `install the sidecar of version ${DRIVER_VERSION}, and unset TAILPROXY_SIDECAR where it names another`

/** Milliseconds that `stop()` leaves the sidecar to say goodbye to its control server. */
export const DEFAULT_STOP_TIMEOUT = 5_000

/** Milliseconds from spawn to `hello`. Go starts in tens; a cold disk or qemu takes longer. */
export const DEFAULT_HELLO_TIMEOUT = 30_000

export interface SidecarCommand {
  /** The sidecar's executable. */
  binary: string
  /** Put before the role, for a sidecar that is a script. */
  args?: readonly string[]
  /** The sidecar's whole environment. @default process.env */
  env?: NodeJS.ProcessEnv
  /** Milliseconds that it has to say hello. @default 30_000 */
  helloTimeout?: number
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
  /** Resolves, never rejects, when the process is gone and all of its stderr was read. */
  readonly exited: Promise<SidecarExit>
  /**
   * Resolves, never rejects, with why the session ended: by `stop()`, by a breach of the protocol,
   * or with the process, whose last words are in the error. What is pending rejects with the same.
   */
  readonly ended: Promise<SidecarError>
  readonly #child: ChildProcess
  readonly #channel: Channel
  readonly #stderr: { text: () => string }
  #gone = false
  #stopped: Promise<SidecarExit> | undefined
  #hello: HelloResult | undefined

  private constructor(child: ChildProcess, handlers: ChannelHandlers) {
    this.#child = child
    child.stdout?.resume()
    this.#stderr = keepTail(child.stderr as Readable, STDERR_TAIL_BYTES)
    // 'close', not 'exit': only then has all of stderr been read.
    this.exited = once(child, 'close').then(([code, signal]): SidecarExit => {
      this.#gone = true
      return { code, signal }
    })
    this.#channel = new Channel(child.stdio[3] as Duplex, handlers)
    this.ended = this.#channel.ended.then((reason) => this.#explain(reason))
  }

  /**
   * Spawns the sidecar in `role` and shakes hands.
   *
   * @throws {SidecarSpawnError} when the binary cannot be executed, or says nothing
   * @throws {SidecarExitedError} when it ends before it is ready; the message quotes its stderr
   * @throws {SidecarProtocolError} when it is of another version
   */
  static async spawn(
    role: Role,
    command: SidecarCommand,
    handlers: ChannelHandlers,
  ): Promise<SidecarProcess> {
    command.signal?.throwIfAborted()
    const process = new SidecarProcess(await spawnChild(role, command), handlers)
    try {
      process.#hello = await process.#shakeHands(role, command)
      return process
    } catch (error) {
      process.#channel.close()
      process.kill()
      throw error
    }
  }

  get hello(): HelloResult {
    if (!this.#hello) throw new Error('the sidecar has not said hello')
    return this.#hello
  }

  get pid(): number {
    return this.hello.pid
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
    const answer = await this.#ask(method, params, signal)
    const parsed = schema.result.safeParse(answer)
    if (parsed.success) return parsed.data
    const message = `the sidecar's answer to "${method}" has an unknown shape`
    const error = new SidecarProtocolError(message, { cause: parsed.error })
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
   * milliseconds. A second call waits for the first; it is safe after the sidecar died, too.
   */
  stop(timeout: number = DEFAULT_STOP_TIMEOUT): Promise<SidecarExit> {
    this.#stopped ??= this.#stop(timeout)
    return this.#stopped
  }

  /** Ends the process, and what a wrapper script started, at once. Its connections are reset. */
  kill(): void {
    const { pid } = this.#child
    if (this.#gone || pid === undefined) return
    try {
      // It leads a process group of its own: see `detached` below.
      process.kill(-pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  async #stop(timeout: number): Promise<SidecarExit> {
    const deadline = setTimeout(() => this.kill(), timeout)
    try {
      await this.#channel.request('stop', {}, AbortSignal.timeout(timeout))
    } catch {
      // Dead already, or deaf: killing settles both.
      this.kill()
    }
    this.#channel.close()
    const exit = await this.exited
    clearTimeout(deadline)
    return exit
  }

  async #shakeHands(role: Role, command: SidecarCommand): Promise<HelloResult> {
    const { binary, signal, helloTimeout = DEFAULT_HELLO_TIMEOUT } = command
    const deadline = AbortSignal.timeout(helloTimeout)
    const params = { protocol: PROTOCOL_VERSION, driver: DRIVER_VERSION }
    try {
      const either = signal ? AbortSignal.any([signal, deadline]) : deadline
      const answer = await this.#ask('hello', params, either)
      const parsed = commonMethods.hello.result.safeParse(answer)
      if (!parsed.success || parsed.data.role !== role) throw unsuitable(binary, parsed.error)
      const { version } = parsed.data
      if (version === DRIVER_VERSION || version === UNVERSIONED) return parsed.data
      throw ofAnotherVersion(binary, version)
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof SidecarRequestError) throw unsuitable(binary, error)
      if (!deadline.aborted) throw error
      const cause = new Error(`it did not say hello within ${helloTimeout} ms`)
      throw new SidecarSpawnError(binary, { cause })
    }
  }

  async #ask(method: string, params: object, signal?: AbortSignal): Promise<object> {
    try {
      return await this.#channel.request(method, params, signal)
    } catch (error) {
      if (error instanceof ChannelLostError) throw await this.ended
      throw error
    }
  }

  /** The channel ends a moment before the process does; the process's own words say more. */
  async #explain(reason: SidecarError): Promise<SidecarError> {
    if (!(reason instanceof ChannelLostError) || this.#stopped) return reason
    // A sidecar without its channel is of no use, should it live on.
    const deadline = setTimeout(() => this.kill(), DEFAULT_STOP_TIMEOUT)
    const { code, signal } = await this.exited
    clearTimeout(deadline)
    return new SidecarExitedError(code, signal, this.#stderr.text())
  }
}

async function spawnChild(role: Role, command: SidecarCommand): Promise<ChildProcess> {
  const { binary, args = [], env = process.env } = command
  try {
    const child = spawn(binary, [...args, role], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env,
      // A session of its own: Ctrl-C is for the command; the sidecar ends with its channel.
      detached: true,
    })
    await once(child, 'spawn')
    return child
  } catch (cause) {
    throw new SidecarSpawnError(binary, { cause })
  }
}

function unsuitable(binary: string, cause: Error | undefined): SidecarProtocolError {
  const why = cause instanceof SidecarRequestError ? ` (${cause.message})` : ''
  return new SidecarProtocolError(
    `${binary} does not speak channel version ${PROTOCOL_VERSION}${why}; ${REMEDY}`,
    { cause },
  )
}

function ofAnotherVersion(binary: string, version: string): SidecarProtocolError {
  return new SidecarProtocolError(
    `${binary} is of version ${version}, and TailProxy here is ${DRIVER_VERSION}; ${REMEDY}`,
  )
}
