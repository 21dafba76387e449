import type { Socket } from 'node:net'
import { describePort, type Export, type Exporter, type Network } from '@tailproxy/exporter'
import type { FilterChain } from '@tailproxy/port-filter'
import { type PeerCredentials, peerCredentials, type Sidecar } from '@tailproxy/sidecar'
import { Complaints } from './complaints.ts'
import { type ControlCounts, ControlTally } from './control-tally.ts'
import type { ExportOptions } from './export-options.ts'
import { LastingExports } from './lasting-exports.ts'
import { RunExports } from './run-exports.ts'
import type { SessionOptions } from './session-options.ts'

export interface SessionExportsOptions
  extends Pick<SessionOptions, 'sidecar' | 'sidecarArgs' | 'env'> {
  /** Who has a say where a run, or a list of ports, has no filters of its own. */
  filters: FilterChain
  /** The sidecar, once there is one. */
  up: () => Promise<Sidecar>
  /** What peers call the node. */
  nodeName: () => string
  /** Told what goes wrong, no more of it than a log can bear. */
  warn: (complaint: string) => void
}

/** What a session serves to the tailnet: the listeners of its runs, and ports of this host that are of none. */
export class SessionExports {
  readonly #options: SessionExportsOptions
  readonly #lasting: LastingExports
  readonly #complaints: Complaints
  readonly #tally: ControlTally
  readonly #ofRuns = new Map<string, RunExports>()
  readonly #ofHost = new Map<string, RunExports>()
  readonly #filters: FilterChain[] = []
  #isOver = false

  constructor(options: SessionExportsOptions) {
    this.#options = options
    this.#lasting = new LastingExports(options.up)
    this.#complaints = new Complaints(options.warn)
    this.#tally = new ControlTally(this.#complaints)
    this.#lasting.on('lost', (port, { message }) => {
      options.warn(`${describePort(port)} is not exported any more: ${message}`)
    })
  }

  /** Has a new sidecar serve what the one before did. */
  attach(sidecar: Sidecar): Promise<void> {
    return this.#lasting.attach(sidecar)
  }

  /**
   * Serves what a run tells of over a control socket at the path. `endRun` ends it, and has to where this rejects.
   *
   * @throws {ControlSocketError} when there can be no such socket
   */
  async serveRun(
    run: string,
    {
      control,
      options,
      filters,
    }: { control: string; options: ExportOptions; filters?: FilterChain | undefined },
  ): Promise<Exporter> {
    const exports = this.#make(options, filters, run)
    this.#ofRuns.set(run, exports)
    await exports.serveControl(control, (socket) => this.#credentialsOf(socket))
    return exports.exporter
  }

  /** Resets the connections to a run's exports, if it has any. */
  async endRun(run: string): Promise<void> {
    const exports = this.#ofRuns.get(run)
    this.#ofRuns.delete(run)
    await exports?.stop()
  }

  /**
   * Exports what listens on this host already, of no run. Those with the same options, told apart by `key`, are of one
   * exporter; the first call's hold, and its filters are disposed of with the session.
   */
  ofHost(options: ExportOptions = {}, filters?: FilterChain, key = ''): Exporter {
    const existing = this.ofHostBy(key)
    if (existing) return existing
    const made = this.#make({ showPeers: false, ...options }, filters)
    this.#ofHost.set(key, made)
    if (filters) this.#filters.push(filters)
    return made.exporter
  }

  /** What {@link ofHost} made for this key, if it did. */
  ofHostBy(key: string): Exporter | undefined {
    return this.#ofHost.get(key)?.exporter
  }

  /** All that is exported, of runs and of none; nothing when the session has ended. */
  list(): Export[] {
    if (this.#isOver) return []
    const all = this.#all().flatMap(({ exporter }) => exporter.exports())
    return all.sort((a, b) => a.port - b.port || a.network.localeCompare(b.network))
  }

  /** Ends an export, whoever's it is. Its port comes back when its program listens again. */
  async remove(port: number, network: Network = 'tcp'): Promise<boolean> {
    const found = await Promise.all(
      this.#all().map(({ exporter }) => exporter.remove(port, network)),
    )
    return found.includes(true)
  }

  /** Ends the exports of no run, whose connections have so many milliseconds to come to their end. */
  async drain(timeout: number): Promise<void> {
    await Promise.all([...this.#ofHost.values()].map((each) => each.stop(timeout)))
  }

  /** What programs told of their listeners, and came to nothing: how often, and what the last was. */
  get refusals(): ControlCounts & { last?: string } {
    const { counts, last } = this.#tally
    return last === undefined ? counts : { ...counts, last }
  }

  /**
   * Ends all there is, for good.
   *
   * @param sidecarGone until then there might be somebody to tell
   */
  async close(sidecarGone: Promise<void>): Promise<void> {
    this.#isOver = true
    await sidecarGone
    await Promise.all(this.#all().map((each) => each.stop()))
    for (const filters of this.#filters) await filters.dispose()
  }

  #all(): RunExports[] {
    return [...this.#ofRuns.values(), ...this.#ofHost.values()]
  }

  #make(options: ExportOptions, filters = this.#options.filters, run?: string): RunExports {
    const onFailure = (port: string, reason: string) => {
      const complaint = `export: ${this.#options.nodeName()}:${port}: ${reason}`
      this.#complaints.tell(`export ${port}`, complaint)
    }
    const common = { exports: this.#lasting, tally: this.#tally, onFailure }
    return new RunExports({ ...common, filters, options, ...(run === undefined ? {} : { run }) })
  }

  /** A process of its own, so that it is there while the sidecar is not. */
  #credentialsOf(socket: Socket): Promise<PeerCredentials> {
    const { sidecar: binary, sidecarArgs: args = [], env } = this.#options
    return peerCredentials(socket, { binary, args, env })
  }
}
