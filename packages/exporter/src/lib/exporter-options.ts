import type { ExportBackend } from './backend.ts'
import { type Clock, systemClock } from './clock.ts'
import { ExporterOptionError } from './errors.ts'
import type { Decide } from './verdict.ts'

export const DEFAULT_MAX_EXPORTS = 32
/** Milliseconds. Time for a filter to ask somebody else, while a program's `listen()` waits. */
export const DEFAULT_DECIDE_TIMEOUT = 1_000
/** Milliseconds. An exec and the start of its libraries take a fraction of it. */
export const DEFAULT_HANDOVER_TIMEOUT = 2_000
/** Milliseconds. For what closes without a hint: a static child, io_uring, a program that was killed and leaves children. */
export const DEFAULT_SWEEP_INTERVAL = 500
/** Milliseconds, for connections to come to their end when the exporter is stopped. */
export const DEFAULT_DRAIN_TIMEOUT = 10_000

/** What a timer can wait for. */
const MAX_MILLISECONDS = 2_147_483_647

export interface ExporterOptions {
  backend: ExportBackend
  /** Asked once for each listener, before it is exported. @default everything is allowed */
  decide?: Decide
  /**
   * Milliseconds for an answer of `decide`; none in time denies. 1 to 2147483647.
   * @default 1_000
   */
  decideTimeout?: number
  /** Ports at once, 1 to 65535; more are refused as `limit`. @default 32 */
  maxExports?: number
  /**
   * Whether a program's socket that is bound to 127.0.0.0/8 or ::1 is exported. It is private
   * otherwise, and refused as `denied`.
   * @default false
   */
  loopback?: boolean
  /**
   * Milliseconds without an open connection after which an export is closed, until a program tells
   * of its listener again; 0 is never. Up to 2147483647.
   * @default 0
   */
  idleTimeout?: number
  /**
   * Milliseconds for another connection to tell of a socket that still listens, when the last one
   * that did has ended. 0 to 2147483647.
   * @default 2_000
   */
  handoverTimeout?: number
  /** Milliseconds between two looks at what still listens. 1 to 2147483647. @default 500 */
  sweepInterval?: number
  /** @default that of the process */
  clock?: Clock
}

/** Every option with its value. @throws {ExporterOptionError} for one that is out of its range */
export function withDefaults(options: ExporterOptions) {
  const checked = {
    decideTimeout: range('decideTimeout', options.decideTimeout ?? DEFAULT_DECIDE_TIMEOUT, 1),
    maxExports: range('maxExports', options.maxExports ?? DEFAULT_MAX_EXPORTS, 1, 65_535),
    idleTimeout: range('idleTimeout', options.idleTimeout ?? 0, 0),
    handoverTimeout: range('handoverTimeout', options.handoverTimeout ?? DEFAULT_HANDOVER_TIMEOUT),
    sweepInterval: range('sweepInterval', options.sweepInterval ?? DEFAULT_SWEEP_INTERVAL, 1),
  }
  const { backend, decide, loopback = false, clock = systemClock } = options
  return { ...checked, backend, decide, loopback, clock }
}

function range(option: string, value: number, min = 0, max = MAX_MILLISECONDS): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new ExporterOptionError(option, value, `an integer of ${min} to ${max}`)
}
