export type { ExportBackend } from './lib/backend.ts'
export type { Clock } from './lib/clock.ts'
export { ControlSocketError, ExporterOptionError } from './lib/errors.ts'
export type {
  CloseReason,
  Export,
  ExportCall,
  ExportResult,
  ExportState,
  SocketName,
} from './lib/export.ts'
export {
  type AddedPort,
  createExporter,
  type Exporter,
  type ExporterEvents,
  type Owner,
  type StopOptions,
} from './lib/exporter.ts'
export {
  DEFAULT_DECIDE_TIMEOUT,
  DEFAULT_DRAIN_TIMEOUT,
  DEFAULT_HANDOVER_TIMEOUT,
  DEFAULT_MAX_EXPORTS,
  DEFAULT_SWEEP_INTERVAL,
  type ExporterOptions,
} from './lib/exporter-options.ts'
export type { ListenRequest } from './lib/listener.ts'
export type { Outcome, Refusal } from './lib/outcome.ts'
export { describePort, type Network, type PortName, portText } from './lib/port-key.ts'
export type { Decide, ExportQuestion, ExportVerdict } from './lib/verdict.ts'
