import { EventEmitter } from 'eventemitter3'
import type { z } from 'zod'
import { answerAsk } from './answer-ask.ts'
import type { HelloResult } from './common-messages.ts'
import { SidecarProtocolError } from './errors.ts'
import type { ExitNode, ExitNodeChange } from './exit-node-messages.ts'
import type { Exported, ExportParams, ExportResult, ExportState } from './export-messages.ts'
import type { LoginParams } from './login-messages.ts'
import type {
  FlowListResult,
  Metrics,
  NetcheckResult,
  Peer,
  PeerStatus,
  PingResult,
} from './measure-messages.ts'
import {
  type ClientDialParams,
  type ClientDialResult,
  nodeMethods,
  type ResolveParams,
  type ResolveResult,
  type RunPolicy,
  type ServeDialsResult,
  type SidecarStatus,
  type StartParams,
} from './node-messages.ts'
import {
  type Ask,
  type FlowClosed,
  type FlowOpened,
  SidecarEvent,
  type Verdict,
} from './sidecar-messages.ts'
import { type SidecarCommand, type SidecarExit, SidecarProcess } from './sidecar-process.ts'
import type { TailnetNode } from './tailnet-node.ts'

export interface SidecarEvents {
  /** The node's state changed; `detail` is for people. */
  state: (change: { state: string; detail?: string | undefined }) => void
  /** Somebody must open this URL to log the node in. */
  authUrl: (url: string) => void
  /** Handshake bytes of a SOCKS5 client; to be answered by exactly one decision. */
  client: (client: number, bytes: Uint8Array, source: string | undefined) => void
  /** The client went away by itself. Does not fire for one that was spliced or closed by us. */
  clientGone: (client: number, reason: string) => void
  /** This and `flowClosed` only after `watchFlows(true)`. */
  flowOpened: (flow: FlowOpened) => void
  flowClosed: (flow: FlowClosed) => void
  /** At most four times a second, but for an export's first connection and the last one's end. */
  exportState: (state: ExportState) => void
  /** The exit node was set, went down, or came back; another one may have taken its place. */
  exitNodeState: (change: ExitNodeChange) => void
  log: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void
}

export interface SidecarOptions extends SidecarCommand {
  /**
   * Gives the verdict on a flow of a run whose policy asks, and on a connection to an export that
   * does. Without it all such are denied.
   */
  onAsk?: (ask: Ask) => Verdict | Promise<Verdict>
}

export interface ListenSocksOptions {
  /** A loopback address. @default '127.0.0.1' */
  host?: string
  /** 0 lets the kernel choose. @default 0 */
  port?: number
  /** How many clients may be negotiating at once; further ones are not accepted. @default 256 */
  cap?: number
  /** Milliseconds a client has from accept to its request. @default 30_000 */
  handshakeTimeout?: number
}

export interface DialRequest extends Omit<ClientDialParams, 'onSuccess' | 'leftover' | 'network'> {
  onSuccess: Uint8Array
  leftover?: Uint8Array
}

export type ExportRequest = ExportParams

export interface SetExitNodeOptions {
  /** Leave private and link-local addresses to the host's own network. @default false */
  lanAccess?: boolean
  /**
   * Have what is wanted stay so when none of it can be used: such traffic fails until one can. Resolves
   * to nothing then.
   * @default false
   */
  insist?: boolean
  signal?: AbortSignal
}

export interface ListeningSocket {
  /** @default 'tcp' */
  network?: 'tcp' | 'udp' | undefined
  /** What the socket is bound to, as `0.0.0.0:8000` or `[::]:8000`. */
  address: string
  /** Its `SO_COOKIE`. */
  cookie: bigint
}

/** A Tailscale node in a process of its own, driven over its channel. */
export class Sidecar extends EventEmitter<SidecarEvents> {
  readonly #process: SidecarProcess

  private constructor(process: SidecarProcess) {
    super()
    this.#process = process
  }

  /**
   * Spawns a sidecar and shakes hands with it. The node is not up until {@link Sidecar.start}.
   *
   * @throws {SidecarSpawnError} @throws {SidecarExitedError} @throws {SidecarProtocolError}
   */
  static async spawn(options: SidecarOptions): Promise<Sidecar> {
    const { onAsk } = options
    // It says nothing before it is told to start, which only the caller of this can do.
    let receive: (event: string, params: object) => void = () => {}
    const process = await SidecarProcess.spawn('node', options, {
      onEvent: (event, params) => receive(event, params),
      onRequest: (method, params) => answerAsk(method, params, onAsk),
    })
    const sidecar = new Sidecar(process)
    receive = (event, params) => sidecar.#receive(event, params)
    return sidecar
  }

  get hello(): HelloResult {
    return this.#process.hello
  }

  get pid(): number {
    return this.#process.pid
  }

  /** Bytes that crossed the channel so far. */
  get traffic(): { readonly read: number; readonly written: number } {
    return this.#process.traffic
  }

  /** Resolves, never rejects, when the process is gone. */
  get exited(): Promise<SidecarExit> {
    return this.#process.exited
  }

  /** Resolves, never rejects, with why the channel ended. */
  get ended(): SidecarProcess['ended'] {
    return this.#process.ended
  }

  /** Brings the node up; `state` and `authUrl` events tell of the way there. */
  start(params: StartParams, signal?: AbortSignal): Promise<TailnetNode> {
    return this.#process.request('start', nodeMethods.start, params, signal)
  }

  /**
   * Logs a started node in anew: one whose key has expired, or that is to be another user's. A
   * login that fails leaves a node that runs as it was.
   */
  login(params: LoginParams = {}, signal?: AbortSignal): Promise<TailnetNode> {
    return this.#process.request('login', nodeMethods.login, params, signal)
  }

  /**
   * Resets what is open, has the control server forget the node and removes its keys; another
   * `start` begins anew. When the server cannot be reached, the node stays logged in.
   */
  async logout(): Promise<void> {
    await this.#process.request('logout', nodeMethods.logout, {})
  }

  status(): Promise<SidecarStatus> {
    return this.#process.request('status', nodeMethods.status, {})
  }

  /** Every peer, the way to it, and what this session's flows had to do with it. */
  async peers(): Promise<PeerStatus[]> {
    const { peers } = await this.#process.request('peers', nodeMethods.peers, {})
    return peers
  }

  /** The open flows, the newest first: at most `limit`, 1 to 10,000. */
  flowList(limit = 1_000): Promise<FlowListResult> {
    return this.#process.request('flowList', nodeMethods.flowList, { limit })
  }

  /** Asks a peer, by name or address, for an answer in `timeout` milliseconds. */
  ping(peer: string, timeout = 5_000, signal?: AbortSignal): Promise<PingResult> {
    const params = { peer, timeoutMs: timeout }
    return this.#process.request('ping', nodeMethods.ping, params, signal)
  }

  /** Looks at the host's network, also before `start`, when it is told of the control server. */
  netcheck(controlUrl?: string, signal?: AbortSignal): Promise<NetcheckResult> {
    const params = controlUrl === undefined ? {} : { controlUrl }
    return this.#process.request('netcheck', nodeMethods.netcheck, params, signal)
  }

  /** What was counted since the sidecar was spawned. */
  metrics(): Promise<Metrics> {
    return this.#process.request('metrics', nodeMethods.metrics, {})
  }

  /** Opens a SOCKS5 listener and resolves to its address, as `127.0.0.1:1080`. */
  async listenSocks(options: ListenSocksOptions = {}): Promise<string> {
    const { host = '127.0.0.1', port = 0, cap = 256, handshakeTimeout = 30_000 } = options
    const params = { host, port, cap, handshakeMs: handshakeTimeout }
    const { address } = await this.#process.request('listenSocks', nodeMethods.listenSocks, params)
    return address
  }

  /** Opens the dial socket at an absolute path of at most {@link MAX_SOCKET_PATH} bytes. */
  serveDials(path: string): Promise<ServeDialsResult> {
    return this.#process.request('serveDials', nodeMethods.serveDials, { path })
  }

  /** Asks for `flowOpened` and `flowClosed`, or for no more of them. At first there are none. */
  async watchFlows(watch: boolean): Promise<void> {
    await this.#process.request('watchFlows', nodeMethods.watchFlows, { watch })
  }

  /** Answers a `client` event: write these (perhaps no) bytes, then read on. */
  clientWrite(client: number, bytes: Uint8Array): void {
    this.#process.send('clientWrite', { client, bytes: encode(bytes) })
  }

  /** Answers a `client` event, or a failed dial: write these last words, then close. */
  clientClose(client: number, bytes?: Uint8Array): void {
    const last = bytes && bytes.length > 0 ? { bytes: encode(bytes) } : {}
    this.#process.send('clientClose', { client, ...last })
  }

  /** Answers a `client` event: dial, and splice on success. */
  clientDial(request: DialRequest): Promise<ClientDialResult> {
    const { onSuccess, leftover, ...rest } = request
    return this.#process.request('clientDial', nodeMethods.clientDial, {
      ...rest,
      network: 'tcp',
      onSuccess: encode(onSuccess),
      ...(leftover && leftover.length > 0 ? { leftover: encode(leftover) } : {}),
    })
  }

  /**
   * Makes a wrapped command known, with its token (32 to 128 characters), its policy and, if it has
   * one, the absolute path of its control socket.
   */
  async register(run: string, token: string, policy: RunPolicy, control?: string): Promise<void> {
    await this.#process.request('register', nodeMethods.register, {
      run,
      token,
      policy,
      ...(control === undefined ? {} : { control }),
    })
  }

  /** Forgets a run; its open flows are reset, its exports end. */
  async unregister(run: string): Promise<void> {
    await this.#process.request('unregister', nodeMethods.unregister, { run })
  }

  /**
   * Resolves when nothing of a run is left: no process that could dial, no flow, no SOCKS5 client
   * whose dial is under way. An unknown run has nothing, nor has one that is unregistered meanwhile.
   */
  async release(run: string, signal?: AbortSignal): Promise<void> {
    await this.#process.request('release', nodeMethods.release, { run }, signal)
  }

  resolve(params: ResolveParams, signal?: AbortSignal): Promise<ResolveResult> {
    return this.#process.request('resolve', nodeMethods.resolve, params, signal)
  }

  /** Whether an executable has file capabilities, with which ld.so ignores LD_PRELOAD. */
  async fileCapabilities(path: string): Promise<boolean> {
    const schema = nodeMethods.fileCapabilities
    const { present } = await this.#process.request('fileCapabilities', schema, { path })
    return present
  }

  /** Who has an address of the tailnet; undefined when nobody does. */
  async whois(address: string): Promise<Peer | undefined> {
    const { peer } = await this.#process.request('whois', nodeMethods.whois, { address })
    return peer
  }

  /** The nodes that may be used as exit nodes. */
  async exitNodes(): Promise<ExitNode[]> {
    const { nodes } = await this.#process.request('exitNodes', nodeMethods.exitNodes, {})
    return nodes
  }

  /**
   * Has everything that is not the tailnet's go by the first of `nodes` that can be used: each a
   * host name, a name, an address, a stable id or `auto`. Resolves when that was verified, with none
   * for no nodes. What went by another exit node is reset; when this one fails the next is taken, and
   * with no other such traffic fails until it is back.
   *
   * @throws {SidecarRequestError} `no-such-host`, `denied` (not an exit node, or not approved) or
   * `exit-node-down`; what was set before is in force as before
   */
  async setExitNode(
    nodes: string[],
    { lanAccess = false, insist = false, signal }: SetExitNodeOptions = {},
  ): Promise<ExitNode | undefined> {
    const params = { nodes, lanAccess, ...(insist ? { insist } : {}) }
    const schema = nodeMethods.setExitNode
    const { node } = await this.#process.request('setExitNode', schema, params, signal)
    return node
  }

  /** The exit node that `auto` would choose now, if there is one. */
  async suggestExitNode(): Promise<ExitNode | undefined> {
    const schema = nodeMethods.suggestExitNode
    const { node } = await this.#process.request('suggestExitNode', schema, {})
    return node
  }

  /** Serves targets on this host at a port of the node. A port that is taken is `busy`. */
  export(request: ExportRequest, signal?: AbortSignal): Promise<ExportResult> {
    return this.#process.request('export', nodeMethods.export, request, signal)
  }

  /** Sends an export's connections elsewhere from now on; open ones stay. */
  async retarget(id: number, targets: string[]): Promise<void> {
    await this.#process.request('retarget', nodeMethods.retarget, { export: id, targets })
  }

  /** Ends an export, if there is one; its connections are reset, or go on when they are drained. */
  async unexport(id: number, { drain = false }: { drain?: boolean } = {}): Promise<void> {
    await this.#process.request('unexport', nodeMethods.unexport, { export: id, drain })
  }

  async exports(): Promise<Exported[]> {
    const { exports } = await this.#process.request('exports', nodeMethods.exports, {})
    return exports
  }

  /** Whether each of these sockets, whoever has it, listens. */
  async listening(sockets: ListeningSocket[]): Promise<boolean[]> {
    const { listening } = await this.#process.request('listening', nodeMethods.listening, {
      sockets: sockets.map(({ cookie, ...rest }) => ({ ...rest, cookie: cookie.toString() })),
    })
    if (listening.length !== sockets.length) {
      throw new SidecarProtocolError(
        `asked about ${sockets.length} sockets, the sidecar answered for ${listening.length}`,
      )
    }
    return listening
  }

  /** Ends the node and its process; every connection is reset. Safe to call twice. */
  stop(timeout?: number): Promise<SidecarExit> {
    return this.#process.stop(timeout)
  }

  kill(): void {
    this.#process.kill()
  }

  #receive(event: string, params: object): void {
    const parsed = SidecarEvent.safeParse({ event, params })
    if (!parsed.success) {
      this.#process.fail(
        new SidecarProtocolError(`the sidecar's event "${event}" is none this version knows`, {
          cause: parsed.error,
        }),
      )
      return
    }
    this.#dispatch(parsed.data)
  }

  #dispatch({ event, params }: z.infer<typeof SidecarEvent>): void {
    switch (event) {
      case 'client':
        this.emit('client', params.client, Buffer.from(params.bytes, 'base64'), params.source)
        break
      case 'clientGone':
        this.emit('clientGone', params.client, params.reason)
        break
      case 'state':
        this.emit('state', params)
        break
      case 'authUrl':
        this.emit('authUrl', params.url)
        break
      case 'flowOpened':
        this.emit('flowOpened', params)
        break
      case 'flowClosed':
        this.emit('flowClosed', params)
        break
      case 'exportState':
        this.emit('exportState', params)
        break
      case 'exitNodeState':
        this.emit('exitNodeState', params)
        break
      case 'log':
        this.emit('log', params.level, params.message)
    }
  }
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
