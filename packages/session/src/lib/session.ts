import { createFilterChain, type FilterChain } from '@tailproxy/port-filter'
import {
  type Ask,
  type ExitNode,
  type ExitNodeChange,
  type FlowClosed,
  type FlowOpened,
  type Metrics,
  type ServeDialsResult,
  Sidecar,
  SidecarRequestError,
  type SidecarStatus,
  type TailnetNode,
  type Verdict,
} from '@tailproxy/sidecar'
import { EventEmitter } from 'eventemitter3'
import { listen, serveDials, setExitNode, startNode } from './bring-up.ts'
import { Credentials, createCredential } from './credentials.ts'
import { SessionEndedError, SessionStartError } from './errors.ts'
import { decideFlow } from './flow-filter.ts'
import { HandshakeRelay } from './handshake-relay.ts'
import type { Policy, Run, RunOptions } from './run.ts'
import { SessionExports } from './session-exports.ts'
import type { ExitNodeChoice, SessionOptions } from './session-options.ts'
import { SidecarKeeper } from './sidecar-keeper.ts'
import { placeSockets, type SocketPlace } from './socket-place.ts'
import { claimStateDirectory } from './state-directory.ts'

/** The user of the foreground SOCKS5 server; a run has one of its own. */
export const FOREGROUND_USER = 'tsnet'

export interface SessionEvents {
  /** This and `flowClosed` only after `watch()`. */
  flowOpened: (flow: FlowOpened) => void
  flowClosed: (flow: FlowClosed) => void
  log: (level: string, message: string) => void
  /** The sidecar died, and open connections with it, or a new one could not be started; it is tried again. */
  down: (reason: Error) => void
  /** A new sidecar does what the one before did. */
  up: () => void
  exitNodeState: (change: ExitNodeChange) => void
}

/** Where captured programs connect, and whether they can without SOCKS5. */
export interface DialSocket extends ServeDialsResult {
  path: string
}

interface RegisteredRun {
  run: Run
  policy: Policy
  filters: FilterChain | undefined
  /** The sidecars that were told of it. */
  known: WeakMap<Sidecar, Promise<void>>
  first: Sidecar | undefined
}

/** What of a session is the same under each of its sidecars. */
interface Served {
  node: TailnetNode
  /** Where SOCKS5 is, as `127.0.0.1:1080`. */
  address: string
  dials: ServeDialsResult
}

/** One node on a tailnet with its SOCKS5 listener, in a sidecar of its own that is kept running. */
export class Session extends EventEmitter<SessionEvents> {
  readonly #options: SessionOptions
  readonly #credentials = new Credentials()
  readonly #filters: FilterChain
  readonly #runs = new Map<string, RegisteredRun>()
  /** What it serves to the tailnet. */
  readonly exports: SessionExports
  #place!: SocketPlace
  #sidecars!: SidecarKeeper
  #served!: Served
  #watchers = 0
  #exitNode: ExitNodeChoice
  readonly #end: { promise: Promise<Error>; resolve: (reason: Error) => void }

  private constructor(options: SessionOptions) {
    super()
    this.#options = options
    this.#filters = options.filters ?? createFilterChain([])
    this.#exitNode = options.exitNode ?? { nodes: [], lanAccess: false }
    let resolve: (reason: Error) => void = () => {}
    const promise = new Promise<Error>((settle) => {
      resolve = settle
    })
    this.#end = { promise, resolve }
    this.exports = new SessionExports({
      ...options,
      filters: this.#filters,
      up: () => this.#sidecars.up(),
      nodeName: () => this.node.name,
      warn: (complaint) => void this.emit('log', 'warn', complaint),
    })
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
    const session = new Session(options)
    const place = options.place ?? placeSockets(options.stateDirectory)
    session.#place = place
    try {
      session.#sidecars = await SidecarKeeper.open(
        (signal) => session.#bringUp(signal),
        options.signal,
      )
    } catch (error) {
      place.remove()
      throw error
    }
    session.#sidecars.on('down', (reason) => session.emit('down', reason))
    session.#sidecars.on('up', () => session.emit('up'))
    return session
  }

  /** Has a sidecar do all that this session's did before, or is to do. */
  async #bringUp(signal: AbortSignal): Promise<Sidecar> {
    const { sidecar: binary, sidecarArgs: args = [], env, dialTimeout, ...options } = this.#options
    const onAsk = (ask: Ask): Promise<Verdict> => decideFlow(this.#filtersOf(ask.run), ask)
    const sidecar = await Sidecar.spawn({ binary, args, env, signal, onAsk })
    try {
      if (options.onAuthUrl) sidecar.on('authUrl', options.onAuthUrl)
      sidecar.on('state', ({ state, detail }) => options.onState?.(state, detail))
      sidecar.on('flowOpened', (flow) => this.emit('flowOpened', flow))
      sidecar.on('flowClosed', (flow) => this.emit('flowClosed', flow))
      sidecar.on('log', (level, message) => this.emit('log', level, message))
      sidecar.on('exitNodeState', (change) => this.emit('exitNodeState', change))
      const node = await startNode(sidecar, { ...this.#options, signal })
      // Before anything can be dialled, which else would go past it. A session that was up goes on with
      // the tailnet alone while there is none.
      await setExitNode(sidecar, this.#exitNode, { insist: this.#served !== undefined, signal })
      const credentials = this.#credentials
      new HandshakeRelay({
        sidecar,
        credentials,
        ...(dialTimeout === undefined ? {} : { dialTimeout }),
      })
      // Programs were told of the port, so it stays what it was.
      const address = await listen(sidecar, this.#served ? this.port : (options.port ?? 0))
      if (this.#watchers > 0) await sidecar.watchFlows(true)
      for (const each of this.#runs.values()) await this.#register(sidecar, each)
      const dials = await serveDials(sidecar, this.#place.dials)
      this.#served = { node, address, dials }
      await this.exports.attach(sidecar)
      return sidecar
    } catch (error) {
      await sidecar.stop()
      throw error
    }
  }

  #filtersOf(run: string | undefined): FilterChain {
    return (run === undefined ? undefined : this.#runs.get(run)?.filters) ?? this.#filters
  }

  /** A sidecar is told once, whether the run was there first or the sidecar. */
  #register(sidecar: Sidecar, registered: RegisteredRun): Promise<void> {
    const { run, policy, filters, known } = registered
    const asked = { ...policy, ask: (filters ?? this.#filters).needsAsking('outbound') }
    const told = known.get(sidecar) ?? sidecar.register(run.id, run.token, asked, run.control)
    known.set(sidecar, told)
    return told
  }

  /** One that dies meanwhile is no answer; the next one is told. */
  async #registerInPresent(registered: RegisteredRun): Promise<void> {
    for (;;) {
      const sidecar = await this.#sidecars.up()
      try {
        await this.#register(sidecar, registered)
        registered.first = sidecar
        return
      } catch (error) {
        if (error instanceof SidecarRequestError) throw error
      }
    }
  }

  get node(): TailnetNode {
    return this.#served.node
  }

  /** Where SOCKS5 is served. */
  get host(): string {
    return new URL(`socks5h://${this.#served.address}`).hostname
  }

  get port(): number {
    return Number(new URL(`socks5h://${this.#served.address}`).port)
  }

  get dialSocket(): DialSocket {
    return { path: this.#place.dials, ...this.#served.dials }
  }

  /**
   * Makes one more user known: a wrapped command, or the foreground server. With `exports` its
   * listeners are served to the tailnet.
   *
   * @throws {ControlSocketError} when there can be no socket to tell of listeners
   */
  async register(user: string, policy: Policy, options: RunOptions = {}): Promise<Run> {
    if (this.#runs.has(user)) throw new SessionStartError('busy', `there is a run ${user} already`)
    const { filters } = options
    const run: Run = { id: user, user, password: createCredential(), token: createCredential() }
    const known = new WeakMap<Sidecar, Promise<void>>()
    const registered: RegisteredRun = { run, policy, filters, known, first: undefined }
    this.#runs.set(run.id, registered)
    try {
      if (options.exports) {
        run.control = this.#place.nextControl()
        const served = { control: run.control, options: options.exports, filters }
        run.exporter = await this.exports.serveRun(run.id, served)
      }
      await this.#registerInPresent(registered)
    } catch (error) {
      this.#runs.delete(run.id)
      await this.exports.endRun(run.id)
      throw error
    }
    this.#credentials.add(user, run.password)
    return run
  }

  /** Whether the sidecar that a run was registered with first is the present one, and so knows all that came of the run. */
  isInFirstSidecar({ id }: Run): boolean {
    const { current } = this.#sidecars
    return current !== undefined && this.#runs.get(id)?.first === current
  }

  /** Ends a run: its credentials are void, its connections are reset, its exports end. */
  async unregister(run: Run): Promise<void> {
    const registered = this.#runs.get(run.id)
    if (!registered) return
    this.#credentials.delete(run.user)
    this.#runs.delete(run.id)
    try {
      await this.#sidecars.current?.unregister(run.id)
    } catch (error) {
      // A sidecar that dies forgets it without being told, and the next one never hears of it.
      if (error instanceof SidecarRequestError) throw error
    } finally {
      await this.exports.endRun(run.id)
      await registered.filters?.dispose()
    }
  }

  /**
   * Asks for the events of flows: a busy session has thousands a second, so they are sent only to who
   * watches.
   *
   * @returns what says that this watcher has seen enough
   */
  async watch(): Promise<() => void> {
    this.#watchers += 1
    await this.#sidecars.current?.watchFlows(true)
    let watches = true
    return () => {
      if (!watches) return
      watches = false
      this.#watchers -= 1
      if (this.#watchers > 0) return
      // A sidecar that is gone tells of nothing any more.
      this.#sidecars.current?.watchFlows(false).catch(() => {})
    }
  }

  /** @throws {Error} the reason, while the sidecar is being started anew */
  async status(): Promise<SidecarStatus> {
    return this.#present().status()
  }

  /**
   * What the sidecar has counted since it started.
   *
   * @throws {Error} the reason, while it is being started anew
   */
  async metrics(): Promise<Metrics> {
    return this.#present().metrics()
  }

  /** What traffic for outside the tailnet is to go through. */
  get exitNode(): ExitNodeChoice {
    return this.#exitNode
  }

  /**
   * Sends traffic for outside the tailnet through another node, from when that is verified on;
   * connections through the one before end then.
   *
   * @throws {SidecarRequestError} with the reason; all stays as it was
   */
  async setExitNode(choice: ExitNodeChoice): Promise<ExitNode | undefined> {
    const sidecar = await this.#sidecars.up()
    const node = await sidecar.setExitNode([...choice.nodes], { lanAccess: choice.lanAccess })
    this.#exitNode = choice
    return node
  }

  /** Whether an executable has file capabilities, with which ld.so ignores LD_PRELOAD. */
  async fileCapabilities(path: string): Promise<boolean> {
    return (await this.#sidecars.up()).fileCapabilities(path)
  }

  /** The sidecar, for what this class has no word for. It rejects when the session ends before there is one. */
  sidecar(): Promise<Sidecar> {
    return this.#sidecars.up()
  }

  #present(): Sidecar {
    const { current, downReason } = this.#sidecars
    if (current) return current
    throw downReason ?? new SessionStartError('not-connected', 'the session has ended')
  }

  /** Bytes between this process and the sidecar so far: handshakes and events, never payload. */
  get channelTraffic(): { readonly read: number; readonly written: number } {
    return this.#present().traffic
  }

  get sidecarPid(): number {
    return this.#present().pid
  }

  /** Why the session does not run at the moment, if it does not. */
  get downReason(): Error | undefined {
    return this.#sidecars.downReason
  }

  /** Resolves, never rejects, when the session has been closed, with the reason. */
  get ended(): Promise<Error> {
    return this.#end.promise
  }

  /** Where other commands of the user may be served. */
  get socketPath(): string {
    return this.#place.session
  }

  /** Ends the session and its sidecar; every connection is reset. Safe to call twice. */
  async close(reason: Error = new SessionEndedError()): Promise<void> {
    await this.exports.close(this.#sidecars.close())
    const ofRuns = [...this.#runs.values()].flatMap(({ filters }) => filters ?? [])
    for (const filters of [...ofRuns, this.#filters]) await filters.dispose()
    this.#place.remove()
    this.#end.resolve(reason)
  }
}
