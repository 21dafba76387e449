import {
  type Ask,
  type FlowClosed,
  type FlowOpened,
  type RunPolicy,
  type ServeDialsResult,
  Sidecar,
  SidecarRequestError,
  type SidecarStatus,
  type TailnetNode,
  type Verdict,
} from '@tailproxy/sidecar'
import { EventEmitter } from 'eventemitter3'
import { Credentials, createCredential } from './credentials.ts'
import { type DialSocketPlace, placeDialSocket } from './dial-socket-place.ts'
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
  /**
   * Milliseconds for a dial by SOCKS5, looking the name up included. By the dial socket a program
   * waits as long as the kernel has it wait.
   * @default 10_000
   */
  dialTimeout?: number
  onAsk?: (ask: Ask) => Verdict | Promise<Verdict>
  /** Called on the way up, before the session is there to listen to. */
  onState?: (state: string, detail: string | undefined) => void
  onAuthUrl?: (url: string) => void
  signal?: AbortSignal
}

export interface SessionEvents {
  /** This and `flowClosed` only after `watchFlows(true)`. */
  flowOpened: (flow: FlowOpened) => void
  flowClosed: (flow: FlowClosed) => void
  log: (level: string, message: string) => void
}

/** Where captured programs connect, and whether they can without SOCKS5. */
export interface DialSocket extends ServeDialsResult {
  path: string
}

/** Who may use the session: by SOCKS5 with user and password, by the dial socket with the token. */
export interface Run {
  id: string
  /** RFC 1929 user name. */
  user: string
  /** RFC 1929 password: 32 hexadecimal digits. */
  password: string
  /** 32 hexadecimal digits. */
  token: string
}

interface Served {
  /** Where SOCKS5 is, as `127.0.0.1:1080`. */
  address: string
  place: DialSocketPlace
  dials: ServeDialsResult
}

/** One node on a tailnet with its SOCKS5 listener, in a sidecar of its own. */
export class Session extends EventEmitter<SessionEvents> {
  readonly #sidecar: Sidecar
  readonly #credentials: Credentials
  readonly #place: DialSocketPlace
  readonly node: TailnetNode
  /** Where SOCKS5 is served. */
  readonly host: string
  readonly port: number
  readonly dialSocket: DialSocket

  private constructor(
    sidecar: Sidecar,
    credentials: Credentials,
    node: TailnetNode,
    { address, place, dials }: Served,
  ) {
    super()
    this.#sidecar = sidecar
    this.#credentials = credentials
    this.#place = place
    this.node = node
    const { hostname, port } = new URL(`socks5h://${address}`)
    this.host = hostname
    this.port = Number(port)
    this.dialSocket = { path: place.path, ...dials }
    sidecar.on('flowOpened', (flow) => this.emit('flowOpened', flow))
    sidecar.on('flowClosed', (flow) => this.emit('flowClosed', flow))
    sidecar.on('log', (level, message) => this.emit('log', level, message))
  }

  /**
   * Brings a node up and serves SOCKS5 and the dial socket to those who are registered.
   *
   * @throws {StateDirectoryError} when the state directory is not ours alone
   * @throws {SessionStartError} when the node is refused, its state is in use, or it cannot serve
   * @throws {DialSocketError} when there is no place for the dial socket
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
    let place: DialSocketPlace | undefined
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
      place = placeDialSocket(options.stateDirectory)
      const dials = await serveDials(sidecar, place.path)
      return new Session(sidecar, credentials, node, { address, place, dials })
    } catch (error) {
      await sidecar.stop()
      place?.remove()
      throw error
    }
  }

  /** Makes one more user known: a wrapped command, or the foreground server. */
  async register(user: string, policy: RunPolicy): Promise<Run> {
    const run = { id: user, user, password: createCredential(), token: createCredential() }
    await this.#sidecar.register(run.id, run.token, policy)
    this.#credentials.add(user, run.password)
    return run
  }

  /** Ends a run: its credentials are void and its connections are reset. */
  async unregister(run: Run): Promise<void> {
    this.#credentials.delete(run.user)
    await this.#sidecar.unregister(run.id)
  }

  /** Asks for the events of flows, or for no more of them: a busy session has thousands a second. */
  async watchFlows(watch: boolean): Promise<void> {
    await this.#sidecar.watchFlows(watch)
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
    this.#place.remove()
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

async function serveDials(sidecar: Sidecar, socket: string): Promise<ServeDialsResult> {
  try {
    return await sidecar.serveDials(socket)
  } catch (cause) {
    if (!(cause instanceof SidecarRequestError)) throw cause
    const message = `cannot serve the dial socket ${socket}: ${cause.message}`
    throw new SessionStartError(cause.reason, message, { cause })
  }
}
