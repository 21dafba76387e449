import { describeLineError } from '@tailproxy/control-protocol'
import { createExporter, describePort, type Exporter, portText } from '@tailproxy/exporter'
import {
  type AskCredentials,
  type ControlServer,
  serveControlSocket,
} from '@tailproxy/exporter/server'
import type { FilterChain } from '@tailproxy/port-filter'
import type { ExportState } from '@tailproxy/sidecar'
import type { ControlTally } from './control-tally.ts'
import { lastingBackend } from './export-backend.ts'
import type { ExportOptions } from './export-options.ts'
import type { LastingExports } from './lasting-exports.ts'

export interface RunExportsOptions {
  exports: LastingExports
  filters: FilterChain
  /** Whose listeners they are; without one they are of no captured program. */
  run?: string
  options: ExportOptions
  /** Counts what was told and came to nothing. */
  tally: ControlTally
  /** Told why connections to an export (`80`, or `53/udp`) were not let in, or not forwarded. */
  onFailure: (port: string, reason: string) => void
}

/** What is exported for one run, or for none, and how the run tells of it. */
export class RunExports {
  readonly exporter: Exporter
  readonly #exports: LastingExports
  readonly #run: string | undefined
  readonly #tally: ControlTally
  readonly #onState: (state: ExportState) => void
  readonly #failures = new Map<string, string | undefined>()
  #control: ControlServer | undefined

  constructor({ exports, filters, run, options, tally, onFailure }: RunExportsOptions) {
    this.#exports = exports
    this.#run = run
    this.#tally = tally
    this.exporter = createExporter({
      backend: lastingBackend(exports, filters, { run, options }),
      decide: (question) => filters.export(question),
      // What is private the library knows: it tells of such a listener only when it is to be exported.
      loopback: true,
      ...(options.max === undefined ? {} : { maxExports: options.max }),
      ...(options.idleTimeout === undefined ? {} : { idleTimeout: options.idleTimeout }),
    })
    this.exporter.on('export:refused', (question, code, reason) => {
      const what = `${describePort(question)} of ${nameOf(question.pid)}`
      tally.add('unexported', `${what} is not exported (${code}): ${reason}`)
    })
    this.exporter.on('export:changed', (changed) => {
      const { error } = changed
      const port = portText(changed)
      // Its counts change four times a second, and the last failure stands there still.
      if (error && this.#failures.get(port) !== error.message) onFailure(port, error.message)
      this.#failures.set(port, error?.message)
    })
    this.exporter.on('export:closed', (closed) => this.#failures.delete(portText(closed)))
    this.#onState = (state) => this.exporter.handleState(state)
    exports.on('state', this.#onState)
  }

  /**
   * @param credentials asks whose a connection is; those of other users, but root, are refused
   * @throws {ControlSocketError} when there can be no socket at the path
   */
  async serveControl(path: string, credentials: AskCredentials): Promise<void> {
    const run = this.#run === undefined ? {} : { run: this.#run }
    const server = await serveControlSocket({ exporter: this.exporter, path, credentials, ...run })
    this.#control = server
    const tally = this.#tally
    server.on('line:malformed', (error, pid) => {
      tally.add(
        'malformed',
        `${nameOf(pid)} told of a listener in a wrong line: ${describeLineError(error)}`,
      )
    })
    server.on('connection:cut', (pid) => {
      const told = 'did not read what it was told of its listeners; they are exported no more'
      tally.add('cut', `${nameOf(pid)} ${told}`)
    })
    server.on('connection:refused', (reason) => {
      tally.add('refused', `a connection to the control socket was refused: ${reason}`)
    })
    server.on('connection:dropped', () => {
      tally.add('dropped', 'a connection to the control socket was dropped: there are too many')
    })
  }

  /** Connections are reset, or with `drain` (milliseconds) have that long to end. */
  async stop(drain = 0): Promise<void> {
    await this.#control?.close()
    await this.exporter.stop(drain > 0 ? { drain: true, timeout: drain } : {})
    this.#exports.off('state', this.#onState)
  }
}

function nameOf(pid: number | undefined): string {
  return pid === undefined ? 'a program' : `process ${pid}`
}
