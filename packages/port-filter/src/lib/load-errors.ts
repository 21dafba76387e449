import { PortFilterError } from './errors.ts'
import { quote } from './quote.ts'

/** An entry of a configuration that names no filter. */
export class FilterEntryError extends PortFilterError {
  override readonly name = 'FilterEntryError'
  readonly code = 'ERR_PORT_FILTER_ENTRY'
  constructor(problem: string, options?: ErrorOptions) {
    super(`filter entry ${problem}`, options)
  }
}

/** There is no such file or package. */
export class FilterNotFoundError extends PortFilterError {
  override readonly name = 'FilterNotFoundError'
  readonly code = 'ERR_PORT_FILTER_NOT_FOUND'
  constructor(specifier: string, problem: string, options?: ErrorOptions) {
    super(`filter ${quote(specifier)} cannot be found: ${problem}`, options)
  }
}

/** The module is there and could not be run. `cause` is why. */
export class FilterImportError extends PortFilterError {
  override readonly name = 'FilterImportError'
  readonly code = 'ERR_PORT_FILTER_IMPORT'
  constructor(specifier: string, problem: string, options?: ErrorOptions) {
    super(`filter ${quote(specifier)} cannot be imported: ${problem}`, options)
  }
}

/** The module's default export is neither a filter nor a function that makes one. */
export class FilterExportError extends PortFilterError {
  override readonly name = 'FilterExportError'
  readonly code = 'ERR_PORT_FILTER_EXPORT'
  constructor(specifier: string, problem: string, options?: ErrorOptions) {
    const wanted = 'the default export has to be a filter, or a function (options) => filter'
    super(`filter ${quote(specifier)} ${problem}; ${wanted}`, options)
  }
}

/** The module's function threw, or took too long. `cause` is what it threw. */
export class FilterFactoryError extends PortFilterError {
  override readonly name = 'FilterFactoryError'
  readonly code = 'ERR_PORT_FILTER_FACTORY'
  constructor(specifier: string, problem: string, options?: ErrorOptions) {
    super(`filter ${quote(specifier)} cannot be made: ${problem}`, options)
  }
}
