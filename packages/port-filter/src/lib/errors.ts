import { quote } from './quote.ts'

/** The contract: a code never changes its meaning, a message may. */
export type PortFilterErrorCode =
  | 'ERR_PORT_FILTER_RANGE'
  | 'ERR_PORT_FILTER_SPEC'
  | 'ERR_PORT_FILTER_SHAPE'
  | 'ERR_PORT_FILTER_OPTIONS'
  | 'ERR_PORT_FILTER_FAILED'
  | 'ERR_PORT_FILTER_TIMEOUT'
  | 'ERR_PORT_FILTER_ENTRY'
  | 'ERR_PORT_FILTER_NOT_FOUND'
  | 'ERR_PORT_FILTER_IMPORT'
  | 'ERR_PORT_FILTER_EXPORT'
  | 'ERR_PORT_FILTER_FACTORY'

/** Every error this package makes is one. */
export abstract class PortFilterError extends Error {
  abstract override readonly name: string
  abstract readonly code: PortFilterErrorCode
}

/** A `PortSet` was to be made of a range that is none. */
export class PortRangeError extends PortFilterError {
  override readonly name = 'PortRangeError'
  readonly code = 'ERR_PORT_FILTER_RANGE'
  constructor(from: unknown, to: unknown, options?: ErrorOptions) {
    super(
      `the port range ${from} to ${to} is none; both ends are whole numbers from 1 to 65535, the lower first`,
      options,
    )
  }
}

/** A port spec that cannot be read. */
export class PortSpecError extends PortFilterError {
  override readonly name = 'PortSpecError'
  readonly code = 'ERR_PORT_FILTER_SPEC'
  /** The part of the spec that is wrong, as it was found. */
  readonly part: string
  constructor(part: string, problem: string, options?: ErrorOptions) {
    super(`port spec: ${problem}`, options)
    this.part = part
  }
}

/** Something was given as a filter that is none, or that has a hook nobody would ever call. */
export class FilterShapeError extends PortFilterError {
  override readonly name = 'FilterShapeError'
  readonly code = 'ERR_PORT_FILTER_SHAPE'
  constructor(subject: string, problem: string, options?: ErrorOptions) {
    super(`${subject} is not a filter: ${problem}`, options)
  }
}

/** A filter chain was to be made with an option that it cannot have. */
export class ChainOptionsError extends PortFilterError {
  override readonly name = 'ChainOptionsError'
  readonly code = 'ERR_PORT_FILTER_OPTIONS'
  constructor(option: string, problem: string, options?: ErrorOptions) {
    super(`filter chain: ${option} ${problem}`, options)
  }
}

/** A filter threw, or answered with what is no verdict. `cause` is what it threw. */
export class FilterFailedError extends PortFilterError {
  override readonly name = 'FilterFailedError'
  readonly code = 'ERR_PORT_FILTER_FAILED'
  /** The filter's name. */
  readonly filter: string
  constructor(filter: string, problem: string, options?: ErrorOptions) {
    super(`filter ${quote(filter)} ${problem}`, options)
    this.filter = filter
  }
}

/** A filter had not answered when the time was over. */
export class FilterTimeoutError extends PortFilterError {
  override readonly name = 'FilterTimeoutError'
  readonly code = 'ERR_PORT_FILTER_TIMEOUT'
  /** The filter's name. */
  readonly filter: string
  constructor(filter: string, milliseconds: number, options?: ErrorOptions) {
    super(`filter ${quote(filter)} did not answer in time (${milliseconds} ms)`, options)
    this.filter = filter
  }
}
