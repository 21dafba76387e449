import type { Export, Exporter } from '@tailproxy/exporter'
import { createFilterChain, type FilterChain } from '@tailproxy/port-filter'
import {
  type FlowClosed,
  type FlowOpened,
  type RunPolicy,
  type ServeDialsResult,
  Sidecar,
  SidecarRequestError,
  type SidecarStatus,
  type TailnetNode,
} from '@tailproxy/sidecar'
import { EventEmitter } from 'eventemitter3'
import { Credentials, createCredential } from './credentials.ts'
import { SessionStartError } from './errors.ts'
import type { ExportOptions } from './export-options.ts'
import { decideFlow } from './flow-filter.ts'
import { HandshakeRelay } from './handshake-relay.ts'
import { RunExports } from './run-exports.ts'
import { placeSockets, type SocketPlace } from './socket-place.ts'
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
  /** Who has a say about flows and exports. Disposed of with the session. @default nobody */
  filters?: FilterChain
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
  /** Where its programs tell of their listeners, if those are exported. */
  control?: string
  exporter?: Exporter
}

/** What the session's node does for one run. Whether flows are asked about, the filters say. */
export type Policy = Omit<RunPolicy, 'ask'>

interface Served {
  /** Where SOCKS5 is, as `127.0.0.1:1080`. */
  address: string
  place: SocketPlace
  dials: ServeDialsResult
  filters: FilterChain
}

/** One node on a tailnet with its SOCKS5 listener, in a sidecar of its own. */
export class Session extends EventEmitter<SessionEvents> {
  readonly #sidecar: Sidecar
  readonly #credentials: Credentials
  readonly #place: SocketPlace
  readonly #filters: FilterChain
  readonly #exports = new Map<string, RunExports>()
  #ownExports: RunExports | undefined
  #isOver = false
  readonly node: TailnetNode
  /** Where SOCKS5 is served. */
  readonly host: string
  readonly port: number
  readonly dialSocket: DialSocket

  private constructor(
    sidecar: Sidecar,
    credentials: Credentials,
    node: TailnetNode,
    { address, place, dials, filters }: Served,
  ) {
    super()
    this.#sidecar = sidecar
    this.#credentials = credentials
    this.#place = place
    this.#filters = filters
    this.node = node
    const { hostname, port } = new URL(`socks5h://${address}`)
    this.host = hostname
    this.port = Number(port)
    this.dialSocket = { path: place.dials, ...dials }
    void sidecar.ended.then(() => {
      this.#isOver = true
    })
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
    const { sidecar: binary, sidecarArgs = [], env, signal } = options
    const filters = options.filters ?? createFilterChain([])
    const sidecar = await Sidecar.spawn({
      binary,
      args: sidecarArgs,
      env,
      ...(signal ? { signal } : {}),
      onAsk: (ask) => decideFlow(filters, ask),
    })
    let place: SocketPlace | undefined
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
      place = placeSockets(options.stateDirectory)
      const dials = await serveDials(sidecar, place.dials)
      return new Session(sidecar, credentials, node, { address, place, dials, filters })
    } catch (error) {
      await sidecar.stop()
      place?.remove()
      throw error
    }
  }

  /**
   * Makes one more user known: a wrapped command, or the foreground server. With `exports` its
   * listeners are served to the tailnet.
   *
   * @throws {ControlSocketError} when there can be no socket to tell of listeners
   */
  async register(user: string, policy: Policy, exports?: ExportOptions): Promise<Run> {
    const run: Run = { id: user, user, password: createCredential(), token: createCredential() }
    if (exports) {
      const served = this.#serve(exports, run.id)
      run.control = this.#place.nextControl()
      run.exporter = served.exporter
      await served.serveControl(run.control)
      this.#exports.set(run.id, served)
    }
    const asked = { ...policy, ask: this.#filters.needsAsking('outbound') }
    await this.#sidecar.register(run.id, run.token, asked, run.control)
    this.#credentials.add(user, run.password)
    return run
  }

  /** Ends a run: its credentials are void, its connections are reset, its exports end. */
  async unregister(run: Run): Promise<void> {
    this.#credentials.delete(run.user)
    await this.#sidecar.unregister(run.id)
    const exports = this.#exports.get(run.id)
    this.#exports.delete(run.id)
    await exports?.stop()
  }

  /** Exports what listens on this host already, of no run. The first call's options hold. */
  exporter(options: ExportOptions = {}): Exporter {
    this.#ownExports ??= this.#serve({ showPeers: false, ...options })
    return this.#ownExports.exporter
  }

  /** All that is exported, of runs and of none; nothing when the session has ended. */
  exports(): Export[] {
    if (this.#isOver) return []
    const all = this.#served().flatMap(({ exporter }) => exporter.exports())
    return all.sort((a, b) => a.port - b.port)
  }

  /** Ends an export, whoever's it is. Its port comes back when its program listens again. */
  async unexport(port: number): Promise<boolean> {
    const found = await Promise.all(this.#served().map(({ exporter }) => exporter.remove(port)))
    return found.includes(true)
  }

  #served(): RunExports[] {
    return [...this.#exports.values(), ...(this.#ownExports ? [this.#ownExports] : [])]
  }

  #serve(options: ExportOptions, run?: string): RunExports {
    const of = run === undefined ? {} : { run }
    const onComplaint = (complaint: string) => void this.emit('log', 'warn', complaint)
    const shared = { sidecar: this.#sidecar, filters: this.#filters, onComplaint }
    return new RunExports({ ...shared, options, ...of })
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

  /** Where other commands of the user may be served. */
  get socketPath(): string {
    return this.#place.session
  }

  /** Ends the session and its sidecar; every connection is reset. Safe to call twice. */
  async close(): Promise<void> {
    await this.#sidecar.stop()
    await Promise.all(this.#served().map((each) => each.stop()))
    await this.#filters.dispose()
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
