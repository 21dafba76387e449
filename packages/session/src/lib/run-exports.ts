import { createExporter, type Exporter } from '@tailproxy/exporter'
import { type ControlServer, serveControlSocket } from '@tailproxy/exporter/server'
import type { FilterChain } from '@tailproxy/port-filter'
import type { ExportState, Sidecar } from '@tailproxy/sidecar'
import { sidecarBackend } from './export-backend.ts'
import type { ExportOptions } from './export-options.ts'

export interface RunExportsOptions {
  sidecar: Sidecar
  filters: FilterChain
  /** Whose listeners they are; without one they are of no captured program. */
  run?: string
  options: ExportOptions
}

/** What is exported for one run, or for none, and how the run tells of it. */
export class RunExports {
  readonly exporter: Exporter
  readonly #sidecar: Sidecar
  readonly #run: string | undefined
  readonly #onState: (state: ExportState) => void
  #control: ControlServer | undefined

  constructor({ sidecar, filters, run, options }: RunExportsOptions) {
    this.#sidecar = sidecar
    this.#run = run
    this.exporter = createExporter({
      backend: sidecarBackend(sidecar, filters, { run, options }),
      decide: (question) => filters.export(question),
      // What is private the library knows: it tells of such a listener only when it is to be exported.
      loopback: true,
      ...(options.max === undefined ? {} : { maxExports: options.max }),
      ...(options.idleTimeout === undefined ? {} : { idleTimeout: options.idleTimeout }),
    })
    this.#onState = (state) => this.exporter.handleState(state)
    sidecar.on('exportState', this.#onState)
  }

  /** @throws {ControlSocketError} when there can be no socket at the path */
  async serveControl(path: string): Promise<void> {
    const run = this.#run === undefined ? {} : { run: this.#run }
    this.#control = await serveControlSocket({ exporter: this.exporter, path, ...run })
  }

  /** Connections are reset, or with `drain` (milliseconds) have that long to end. */
  async stop(drain = 0): Promise<void> {
    await this.#control?.close()
    await this.exporter.stop(drain > 0 ? { drain: true, timeout: drain } : {})
    this.#sidecar.off('exportState', this.#onState)
  }
}
