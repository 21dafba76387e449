import { describeLineError } from '@tailproxy/control-protocol'
import { createExporter, type Exporter } from '@tailproxy/exporter'
import { type ControlServer, serveControlSocket } from '@tailproxy/exporter/server'
import type { FilterChain } from '@tailproxy/port-filter'
import type { ExportState } from '@tailproxy/sidecar'
import { lastingBackend } from './export-backend.ts'
import type { ExportOptions } from './export-options.ts'
import type { LastingExports } from './lasting-exports.ts'

export interface RunExportsOptions {
  exports: LastingExports
  filters: FilterChain
  /** Whose listeners they are; without one they are of no captured program. */
  run?: string
  options: ExportOptions
  /** Told of what was wrong with a line of a control connection, or why one was cut. */
  onComplaint?: (complaint: string) => void
}

/** What is exported for one run, or for none, and how the run tells of it. */
export class RunExports {
  readonly exporter: Exporter
  readonly #exports: LastingExports
  readonly #run: string | undefined
  readonly #onComplaint: (complaint: string) => void
  readonly #onState: (state: ExportState) => void
  #control: ControlServer | undefined

  constructor({ exports, filters, run, options, onComplaint = () => {} }: RunExportsOptions) {
    this.#exports = exports
    this.#run = run
    this.#onComplaint = onComplaint
    this.exporter = createExporter({
      backend: lastingBackend(exports, filters, { run, options }),
      decide: (question) => filters.export(question),
      // What is private the library knows: it tells of such a listener only when it is to be exported.
      loopback: true,
      ...(options.max === undefined ? {} : { maxExports: options.max }),
      ...(options.idleTimeout === undefined ? {} : { idleTimeout: options.idleTimeout }),
    })
    this.#onState = (state) => this.exporter.handleState(state)
    exports.on('state', this.#onState)
  }

  /** @throws {ControlSocketError} when there can be no socket at the path */
  async serveControl(path: string): Promise<void> {
    const run = this.#run === undefined ? {} : { run: this.#run }
    this.#control = await serveControlSocket({ exporter: this.exporter, path, ...run })
    this.#control.on('line:malformed', (error, pid) => {
      this.#onComplaint(
        `${nameOf(pid)} told of a listener in a wrong line: ${describeLineError(error)}`,
      )
    })
    this.#control.on('connection:cut', (pid) => {
      this.#onComplaint(
        `${nameOf(pid)} did not read what it was told of its listeners; they are exported no more`,
      )
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
