import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type ResolvedSettings, readAuthKey, type Settings } from '@tailproxy/config'
import type { FilterChain } from '@tailproxy/port-filter'
import { EventEmitter } from 'eventemitter3'
import { SessionEndedError, SessionStartError } from './errors.ts'
import { filtersOf } from './filters.ts'
import { type RouteServer, serveRoutes } from './http-routes.ts'
import { Presence } from './presence.ts'
import { ProgressBoard } from './progress.ts'
import { Session, type SessionOptions } from './session.ts'
import { removeSessionFile, writeSessionFile } from './session-file.ts'
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
  #server: RouteServer | undefined
  #file = ''
  #ready!: Promise<Session>
  #isOpen = false
  #closed: Promise<void> | undefined
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
    this.#server = await serveRoutes(
      sessionRoutes(this),
      fd === undefined ? this.#place.session : { fd },
    )
    const { values } = resolved
    this.#file = writeSessionFile(this.stateDirectory, { ...values, socket: this.#place.session })
    this.#begun()
    void this.#ready.then(
      (session) => this.#follow(session),
      (error: Error) => this.close(error),
    )
  }

  /** A session that is just ending may still have the state directory; it is waited for. */
  async #openSession(claim: () => void): Promise<Session> {
    const { resolved, sidecar, sidecarArgs = [], env } = this.options
    const { values } = resolved
    const signals = [this.#closing.signal, this.options.signal ?? []].flat()
    const options: SessionOptions = {
      ...{ sidecar, sidecarArgs, env, place: this.#place },
      hostname: values.hostname,
      stateDirectory: this.stateDirectory,
      authKey: await this.#authKey(),
      tags: values.tags,
      exitNode: { nodes: values.exitNode, lanAccess: values.exitNodeLanAccess },
      controlUrl: values.controlUrl,
      ephemeral: values.ephemeral,
      tailscaleLogs: values.tailscaleLogs,
      port: values.port,
      ...(this.#filters ? { filters: this.#filters } : {}),
      signal: AbortSignal.any(signals),
      onState: (state, detail) => {
        claim()
        // It runs when it serves, too; see below.
        if (state === 'running') return
        this.#tellState(state, detail)
      },
      onAuthUrl: (url) => this.progress.set({ state: 'needs-login', url }),
    }
    const deadline = performance.now() + HANDOVER
    for (;;) {
      try {
        return await Session.open(options)
      } catch (error) {
        const isBusy = error instanceof SessionStartError && error.reason === 'busy'
        if (!isBusy || this.#server || performance.now() > deadline) throw error
        await delay(HANDOVER_PAUSE, undefined, { signal: this.#closing.signal })
      }
    }
  }

  /** A path in a file is relative to that, another to where the command was given. */
  #authKey(): Promise<string> {
    const { resolved, cwd } = this.options
    const origin = resolved.origins.authKey
    const from = origin.kind === 'file' ? path.dirname(origin.path) : cwd
    return readAuthKey(resolved.values.authKey, { from })
  }

  /** What commands that join are held to: the exit node may be another one by now. */
  async settings(): Promise<Settings> {
    const { values } = this.options.resolved
    if (!this.#isOpen) return values
    const { nodes, lanAccess } = (await this.#ready).exitNode
    return { ...values, exitNode: [...nodes], exitNodeLanAccess: lanAccess }
  }

  #tellState(state: string, detail: string | undefined): void {
    const { url, state: before } = this.progress.current
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
    if ((status?.flows ?? 0) > 0 || (session?.exports().length ?? 0) > 0) {
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
    await this.#server?.close()
    const session = await this.#ready?.catch(() => undefined)
    if (session) await session.close(reason)
    else await this.#filters?.dispose()
    this.#place.remove()
    this.#end.resolve(reason)
  }
}
