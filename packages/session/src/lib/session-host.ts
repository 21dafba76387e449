import { setTimeout as delay } from 'node:timers/promises'
import type { ResolvedSettings, Settings } from '@tailproxy/config'
import type { FilterChain } from '@tailproxy/port-filter'
import type { ExitNode } from '@tailproxy/sidecar'
import { EventEmitter } from 'eventemitter3'
import { authKeyOf } from './auth-key-of.ts'
import { keepChosenExitNode, readChosenExitNode } from './chosen-exit-node.ts'
import { SessionEndedError, SessionStartError } from './errors.ts'
import { filtersOf } from './filters.ts'
import { type RouteServer, serveRoutes } from './http-routes.ts'
import { countedText } from './metrics-routes.ts'
import { Presence } from './presence.ts'
import { ProgressBoard } from './progress.ts'
import { RunRegister } from './run-register.ts'
import { serveMetrics } from './serve-metrics.ts'
import { Session } from './session.ts'
import { removeSessionFile, writeSessionFile } from './session-file.ts'
import type { ExitNodeChoice, SessionOptions } from './session-options.ts'
import { sessionRoutes } from './session-routes.ts'
import { placeSockets, type SocketPlace } from './socket-place.ts'
import { claimStateDirectory, defaultStateDirectory } from './state-directory.ts'

/** Milliseconds that a session which is ending may take to let go of the state directory. */
const HANDOVER = 3_000
const HANDOVER_PAUSE = 50

export interface SessionHostOptions
  extends Pick<SessionOptions, 'sidecar' | 'sidecarArgs' | 'env'> {
  resolved: ResolvedSettings
  /** What relative paths of plugins start at. */
  cwd: string
  /** Milliseconds without anybody until it ends; 0 is never. @default 0 */
  idleTimeout?: number
  /** Where what it says is written, if it is written somewhere. */
  log?: string
  /**
   * A socket that listens already, for commands, in place of one that is made: a service manager's
   * (sd_listen_fds(3)). It is not removed.
   */
  listenDescriptor?: number
  signal?: AbortSignal
  /** Places the preload library for a command and says where; a command that joins has no time to. */
  placeLibrary?: () => string
}

export interface SessionHostEvents {
  /** For people: what happened that whoever runs the session might want to know. */
  said: (message: string) => void
}

/** A session with the socket on which commands of the same user are served. */
export class SessionHost extends EventEmitter<SessionHostEvents> {
  readonly options: SessionHostOptions
  readonly stateDirectory: string
  readonly progress = new ProgressBoard()
  readonly presence: Presence
  readonly startedAt = new Date()
  readonly #closing = new AbortController()
  readonly #place: SocketPlace
  readonly #begun: () => void
  #filters: FilterChain | undefined
  /** Aborted with an auth key, the node is brought up anew, with that. */
  #attempt: AbortController | undefined
  #server: RouteServer | undefined
  #metrics: RouteServer | undefined
  #file = ''
  #ready!: Promise<Session>
  #isOpen = false
  #closed: Promise<void> | undefined
  #exitNodeIsChosen = false
  #lastRun = 0
  readonly #end: { promise: Promise<Error>; resolve: (reason: Error) => void }

  private constructor(options: SessionHostOptions, stateDirectory: string, place: SocketPlace) {
    super()
    this.options = options
    this.stateDirectory = stateDirectory
    this.#place = place
    let resolve: (reason: Error) => void = () => {}
    const promise = new Promise<Error>((settle) => {
      resolve = settle
    })
    this.#end = { promise, resolve }
    this.presence = new Presence(options.idleTimeout ?? 0, () => void this.#leaveIfUnused())
    // Before it can be found nobody can use it.
    this.#begun = this.presence.enter()
  }

  /**
   * Resolves when commands are served; the node may not be up by then.
   *
   * @throws {SessionStartError} @throws {StateDirectoryError} @throws {SidecarError} @throws {ConfigError}
   */
  static async open(options: SessionHostOptions): Promise<SessionHost> {
    const { stateDir, controlUrl, profile } = options.resolved.values
    const stateDirectory = stateDir || defaultStateDirectory(controlUrl, options.env, profile)
    claimStateDirectory(stateDirectory)
    const host = new SessionHost(options, stateDirectory, placeSockets(stateDirectory))
    try {
      await host.#begin()
      return host
    } catch (error) {
      await host.close(error as Error)
      throw error
    }
  }

  async #begin(): Promise<void> {
    const { resolved, cwd } = this.options
    this.#filters = await filtersOf(resolved, { cwd, onFailure: (said) => this.say(said) })
    let claim = () => {}
    // Once the sidecar has said a word the state directory is ours, and its sockets are.
    const claimed = new Promise<void>((resolve) => {
      claim = resolve
    })
    this.#ready = this.#openSession(claim)
    // Each who waits for it hears of its failure.
    this.#ready.catch(() => {})
    await Promise.race([claimed, this.#ready])
    const { listenDescriptor: fd } = this.options
    const { values } = resolved
    const runs = new RunRegister(this)
    if (values.metrics) {
      this.#metrics = await serveMetrics(values.metrics, () => countedText(this, runs))
    }
    this.#server = await serveRoutes(
      sessionRoutes(this, runs),
      fd === undefined ? this.#place.session : { fd },
    )
    this.#file = writeSessionFile(this.stateDirectory, { ...values, socket: this.#place.session })
    this.#begun()
    void this.#ready.then(
      (session) => this.#follow(session),
      (error: Error) => this.close(error),
    )
  }

  /** A session that is just ending may still have the state directory; it is waited for. */
  async #openSession(claim: () => void): Promise<Session> {
    const { resolved, cwd, sidecar, sidecarArgs = [], env } = this.options
    const { values } = resolved
    const signals = [this.#closing.signal, this.options.signal ?? []].flat()
    const options: SessionOptions = {
      ...{ sidecar, sidecarArgs, env, place: this.#place },
      hostname: values.hostname,
      stateDirectory: this.stateDirectory,
      authKey: await authKeyOf(resolved, cwd),
      tags: values.tags,
      exitNode: this.#firstExitNode(),
      controlUrl: values.controlUrl,
      ephemeral: values.ephemeral,
      tailscaleLogs: values.tailscaleLogs,
      port: values.port,
      ...(this.#filters ? { filters: this.#filters } : {}),
      onState: (state, detail) => {
        claim()
        // It runs when it serves, too; see below.
        if (state === 'running' && !this.#isOpen) return
        this.#tellState(state, detail)
      },
      onAuthUrl: (url) => {
        const { state, detail } = this.progress.current
        const why = state === 'needs-login' && detail !== undefined ? { detail } : {}
        this.progress.set({ state: 'needs-login', ...why, url })
      },
    }
    const deadline = performance.now() + HANDOVER
    for (;;) {
      const attempt = new AbortController()
      this.#attempt = attempt
      try {
        const signal = AbortSignal.any([...signals, attempt.signal])
        return await Session.open({ ...options, signal })
      } catch (error) {
        if (attempt.signal.aborted && !this.#closing.signal.aborted) {
          options.authKey = attempt.signal.reason as string
          continue
        }
        const isBusy = error instanceof SessionStartError && error.reason === 'busy'
        if (!isBusy || this.#server || performance.now() > deadline) throw error
        await delay(HANDOVER_PAUSE, undefined, { signal: this.#closing.signal })
      }
    }
  }

  /** What was chosen by command holds on, unless settings name one. */
  #firstExitNode(): ExitNodeChoice {
    const { values, origins } = this.options.resolved
    const chosen =
      origins.exitNode.kind === 'default' ? readChosenExitNode(this.stateDirectory) : undefined
    this.#exitNodeIsChosen = chosen !== undefined
    return chosen ?? { nodes: values.exitNode, lanAccess: values.exitNodeLanAccess }
  }

  /**
   * Whether the exit node is one that was chosen by command: a later word than files and variables
   * have, which commands that join are not held to then.
   */
  get exitNodeIsChosen(): boolean {
    return this.#exitNodeIsChosen
  }

  /**
   * Changes the exit node, now and for sessions to come; {@link Session.setExitNode} says the rest.
   *
   * @throws {SidecarRequestError}
   */
  async chooseExitNode(choice: ExitNodeChoice): Promise<ExitNode | undefined> {
    const session = await this.#ready
    const node = await session.setExitNode(choice)
    this.#exitNodeIsChosen = true
    keepChosenExitNode(this.stateDirectory, choice)
    return node
  }

  /** What commands that join are held to: the exit node may be another one by now. */
  async settings(): Promise<Settings> {
    const { values } = this.options.resolved
    if (!this.#isOpen) return values
    const { nodes, lanAccess } = (await this.#ready).exitNode
    return { ...values, exitNode: [...nodes], exitNodeLanAccess: lanAccess }
  }

  /** Brings a node that somebody would have to log in up anew, with this auth key; else it does nothing. */
  restartWith(authKey: string): void {
    const waits = !this.#isOpen && this.progress.current.state === 'needs-login'
    if (!waits || authKey === '') return
    this.progress.set({ state: 'starting' })
    this.#attempt?.abort(authKey)
  }

  #tellState(state: string, detail: string | undefined): void {
    const { url, state: before } = this.progress.current
    // A sidecar that is being started anew says so before it serves.
    if (state === 'running' && before === 'needs-login') this.progress.set({ state })
    if (state !== 'starting' && state !== 'needs-login' && state !== 'needs-approval') return
    // The address to log in at comes with an event of its own.
    const kept = state === 'needs-login' && before === state && url !== undefined ? { url } : {}
    this.progress.set({ state, ...(detail === undefined ? {} : { detail }), ...kept })
  }

  #follow(session: Session): void {
    this.#isOpen = true
    session.on('down', ({ message }) => {
      this.say(`${message}; open connections are lost, and another sidecar is started`)
      this.progress.set({ state: 'restarting', detail: message })
    })
    session.on('up', () => {
      this.say('another sidecar is up')
      this.progress.set({ state: 'running' })
    })
    session.on('exitNodeState', ({ state, node, reason }) => {
      const why = reason ? `: ${reason}` : ''
      this.say(`exit node: ${node?.name ?? 'none'} is ${state}${why}`)
    })
    session.on('log', (level, message) => this.say(`${level}: ${message}`))
    this.progress.set({ state: 'running' })
  }

  say(message: string): void {
    this.emit('said', message)
  }

  /** The session, when its node is up. Rejects when it does not come up, or ends before. */
  get ready(): Promise<Session> {
    return this.#ready
  }

  /** The session's file, for `TAILPROXY_SESSION`. */
  get file(): string {
    return this.#file
  }

  get socketPath(): string {
    return this.#place.session
  }

  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** Whether the node has been up. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  nextRun(): string {
    this.#lastRun += 1
    return `run-${this.#lastRun}`
  }

  /** Resolves, never rejects, when all is taken down, with the reason. */
  get ended(): Promise<Error> {
    return this.#end.promise
  }

  /** Nobody asked for anything for a while, but what is exported or still flows is use as well. */
  async #leaveIfUnused(): Promise<void> {
    const session = this.#isOpen ? await this.#ready : undefined
    const status = await session?.status().catch(() => undefined)
    if ((status?.flows ?? 0) > 0 || (session?.exports.list().length ?? 0) > 0) {
      return this.presence.postpone()
    }
    await this.close(new SessionEndedError('nobody used the session for a while'))
  }

  /** Takes all of it down; every connection is reset. Safe to call twice. */
  close(reason: Error = new SessionEndedError()): Promise<void> {
    this.#closed ??= this.#close(reason)
    return this.#closed
  }

  async #close(reason: Error): Promise<void> {
    this.presence.close()
    this.progress.set({ state: 'stopped', detail: reason.message })
    // Those who wait, or run, are told by this before their connections are ended.
    this.#closing.abort(reason)
    if (this.#file) removeSessionFile(this.#file)
    await Promise.all([this.#server?.close(), this.#metrics?.close()])
    const session = await this.#ready?.catch(() => undefined)
    if (session) await session.close(reason)
    else await this.#filters?.dispose()
    this.#place.remove()
    this.#end.resolve(reason)
  }
}
