import {
  type Ask,
  type FlowClosed,
  type FlowOpened,
  type RunPolicy,
  Sidecar,
  SidecarRequestError,
  type SidecarStatus,
  type TailnetNode,
  type Verdict,
} from '@tailproxy/sidecar'
import { EventEmitter } from 'eventemitter3'
import { Credentials, createCredential } from './credentials.ts'
import { SessionStartError } from './errors.ts'
import { HandshakeRelay } from './handshake-relay.ts'
import { claimStateDirectory } from './state-directory.ts'

/** The user of the foreground SOCKS5 server; a run has one of its own. */
export const FOREGROUND_USER = 'tsnet'

export interface SessionOptions {
  /** The sidecar's executable. */
  sidecar: string
  /** Put before the sidecar's role, for one that is a script. */
  sidecarArgs?: readonly string[]
  /** The sidecar's whole environment. Keep the preload library out of it. */
  env: NodeJS.ProcessEnv
  hostname: string
  /** Made with mode 0700 if it is not there. */
  stateDirectory: string
  authKey?: string
  /** @default Tailscale's own */
  controlUrl?: string
  /** Whether the node leaves the tailnet with the session. @default false */
  ephemeral?: boolean
  tailscaleLogs?: boolean
  /** Port of the SOCKS5 listener on 127.0.0.1; 0 lets the kernel choose. @default 0 */
  port?: number
  /** Milliseconds for a dial, looking the name up included. @default 10_000 */
  dialTimeout?: number
  onAsk?: (ask: Ask) => Verdict | Promise<Verdict>
  /** Called on the way up, before the session is there to listen to. */
  onState?: (state: string, detail: string | undefined) => void
  onAuthUrl?: (url: string) => void
  signal?: AbortSignal
}

export interface SessionEvents {
  flowOpened: (flow: FlowOpened) => void
  flowClosed: (flow: FlowClosed) => void
  log: (level: string, message: string) => void
}

/** Who may use the session's SOCKS5 listener, and under which policy. */
export interface Run {
  id: string
  /** RFC 1929 user name. */
  user: string
  /** RFC 1929 password: 32 hexadecimal digits. */
  password: string
}

/** One node on a tailnet with its SOCKS5 listener, in a sidecar of its own. */
export class Session extends EventEmitter<SessionEvents> {
  readonly #sidecar: Sidecar
  readonly #credentials: Credentials
  readonly node: TailnetNode
  /** Where SOCKS5 is served. */
  readonly host: string
  readonly port: number

  private constructor(
    sidecar: Sidecar,
    credentials: Credentials,
    node: TailnetNode,
    address: string,
  ) {
    super()
    this.#sidecar = sidecar
    this.#credentials = credentials
    this.node = node
    const { hostname, port } = new URL(`socks5h://${address}`)
    this.host = hostname
    this.port = Number(port)
    sidecar.on('flowOpened', (flow) => this.emit('flowOpened', flow))
    sidecar.on('flowClosed', (flow) => this.emit('flowClosed', flow))
    sidecar.on('log', (level, message) => this.emit('log', level, message))
  }

  /**
   * Brings a node up and serves SOCKS5 to those who are registered.
   *
   * @throws {StateDirectoryError} when the state directory is not ours alone
   * @throws {SessionStartError} when the node is refused, or its state is in use
   * @throws {SidecarError} when the sidecar cannot be run
   */
  static async open(options: SessionOptions): Promise<Session> {
    claimStateDirectory(options.stateDirectory)
    const { sidecar: binary, sidecarArgs = [], env, signal, onAsk } = options
    const sidecar = await Sidecar.spawn({
      binary,
      args: sidecarArgs,
      env,
      ...(signal ? { signal } : {}),
      ...(onAsk ? { onAsk } : {}),
    })
    try {
      if (options.onAuthUrl) sidecar.on('authUrl', options.onAuthUrl)
      sidecar.on('state', ({ state, detail }) => options.onState?.(state, detail))
      const credentials = new Credentials()
      const node = await startNode(sidecar, options)
      new HandshakeRelay({
        sidecar,
        credentials,
        ...(options.dialTimeout === undefined ? {} : { dialTimeout: options.dialTimeout }),
      })
      const address = await listen(sidecar, options.port ?? 0)
      return new Session(sidecar, credentials, node, address)
    } catch (error) {
      await sidecar.stop()
      throw error
    }
  }

  /** Makes one more user of the listener known: a wrapped command, or the foreground server. */
  async register(user: string, policy: RunPolicy): Promise<Run> {
    const run: Run = { id: user, user, password: createCredential() }
    await this.#sidecar.register(run.id, createCredential(), policy)
    this.#credentials.add(user, run.password)
    return run
  }

  /** Ends a run: its credential is void and its connections are reset. */
  async unregister(run: Run): Promise<void> {
    this.#credentials.delete(run.user)
    await this.#sidecar.unregister(run.id)
  }

  status(): Promise<SidecarStatus> {
    return this.#sidecar.status()
  }

  /** Whether an executable has file capabilities, with which ld.so ignores LD_PRELOAD. */
  fileCapabilities(path: string): Promise<boolean> {
    return this.#sidecar.fileCapabilities(path)
  }

  /** Bytes between this process and the sidecar so far: handshakes and events, never payload. */
  get channelTraffic(): { readonly read: number; readonly written: number } {
    return this.#sidecar.traffic
  }

  get sidecarPid(): number {
    return this.#sidecar.pid
  }

  /** Resolves, never rejects, when the session has ended, with the reason. */
  get ended(): Sidecar['ended'] {
    return this.#sidecar.ended
  }

  /** Ends the session and its sidecar; every connection is reset. Safe to call twice. */
  async close(): Promise<void> {
    await this.#sidecar.stop()
  }
}

async function startNode(sidecar: Sidecar, options: SessionOptions): Promise<TailnetNode> {
  const { hostname, stateDirectory, authKey, controlUrl, ephemeral = false } = options
  const params = {
    hostname,
    stateDir: stateDirectory,
    ephemeral,
    ...(authKey ? { authKey } : {}),
    ...(controlUrl ? { controlUrl } : {}),
    ...(options.tailscaleLogs ? { tailscaleLogs: true } : {}),
  }
  try {
    return await sidecar.start(params, options.signal)
  } catch (cause) {
    if (!(cause instanceof SidecarRequestError)) throw cause
    throw new SessionStartError(cause.reason, cause.message, { cause })
  }
}

async function listen(sidecar: Sidecar, port: number): Promise<string> {
  try {
    return await sidecar.listenSocks({ port })
  } catch (cause) {
    if (!(cause instanceof SidecarRequestError)) throw cause
    const message = `cannot serve SOCKS5 on 127.0.0.1:${port}: ${cause.message}`
    throw new SessionStartError(cause.reason, message, { cause })
  }
}
