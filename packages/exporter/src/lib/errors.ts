/** An option of `createExporter` is out of its range. */
export class ExporterOptionError extends Error {
  override readonly name = 'ExporterOptionError'
  readonly code = 'ERR_EXPORTER_OPTION'

  constructor(option: string, value: unknown, allowed: string, options?: ErrorOptions) {
    super(`${option} is ${String(value)}; give ${allowed}`, options)
  }
}

/** There can be no control socket at this path. */
export class ControlSocketError extends Error {
  override readonly name = 'ControlSocketError'
  readonly code = 'ERR_EXPORTER_CONTROL_SOCKET'
  readonly path: string

  constructor(path: string, why: string, options?: ErrorOptions) {
    super(`cannot serve the control socket ${path}: ${why}`, options)
    this.path = path
  }
}
