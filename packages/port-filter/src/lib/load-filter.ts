import { checkFilter } from './check-filter.ts'
import type { Filter } from './filter.ts'
import { type FilterEntry, type ReadEntry, readFilterEntry } from './filter-entry.ts'
import { FilterExportError, FilterFactoryError, FilterImportError } from './load-errors.ts'
import { describe, quote } from './quote.ts'
import { resolveFilter } from './resolve-filter.ts'
import { startTimeLimit, type TimeLimit } from './time-limit.ts'

/** Milliseconds. A filter may ask a directory service before it is ready. */
export const DEFAULT_LOAD_TIMEOUT = 10_000

export interface LoadFilterOptions {
  /** The directory that relative paths and package names are looked up from. */
  from: string
  /**
   * For the module to run and its function to return. Milliseconds, 1 to 2_147_483_647.
   * @default 10_000
   */
  timeout?: number | undefined
  /** Aborting it rejects with its reason. */
  signal?: AbortSignal | undefined
}

/**
 * Loads the filter that an entry of a configuration names. The module's default export is the
 * filter, or a function that is given the entry's options and returns one, or a promise of one.
 *
 * @throws {FilterEntryError} the entry names no filter, or has options that nothing would read
 * @throws {FilterNotFoundError} no such file or package
 * @throws {FilterImportError} the module threw, or is none
 * @throws {FilterExportError} there is no default export that could be a filter
 * @throws {FilterFactoryError} the function threw, or took too long
 * @throws {FilterShapeError} what it is, or returned, is no filter
 */
export async function loadFilter(entry: FilterEntry, options: LoadFilterOptions): Promise<Filter> {
  const { from, timeout = DEFAULT_LOAD_TIMEOUT, signal } = options
  const read = readFilterEntry(entry)
  signal?.throwIfAborted()
  const url = await resolveFilter(read.specifier, from)
  const late = `it was not ready in time (${timeout} ms)`
  const error = () => new FilterFactoryError(read.specifier, late)
  const limit = startTimeLimit({ milliseconds: timeout, error, signal })
  try {
    const exported = await importDefault(read.specifier, url, limit)
    const made = await make(read, exported, limit)
    return checkFilter(made, `what ${quote(read.specifier)} gives`)
  } finally {
    limit.end()
  }
}

/**
 * Loads them one after another, in order. When one fails those before it are disposed of.
 *
 * @throws what `loadFilter` throws
 */
export async function loadFilters(
  entries: readonly FilterEntry[],
  options: LoadFilterOptions,
): Promise<Filter[]> {
  const filters: Filter[] = []
  try {
    for (const entry of entries) filters.push(await loadFilter(entry, options))
    return filters
  } catch (error) {
    // What went wrong first is what there is to say.
    await Promise.allSettled(filters.map(async (filter) => filter.dispose?.()))
    throw error
  }
}

async function importDefault(specifier: string, url: string, limit: TimeLimit): Promise<unknown> {
  let module: Record<string, unknown>
  try {
    module = await limit.wait(import(url))
  } catch (cause) {
    limit.signal.throwIfAborted()
    throw new FilterImportError(specifier, messageOf(cause), { cause })
  }
  if (!('default' in module)) {
    const names = Object.keys(module).map(quote).join(', ')
    const found = names === '' ? 'exports nothing' : `exports only ${names}`
    throw new FilterExportError(specifier, found)
  }
  const exported = unwrapped(module['default'])
  if (typeof exported === 'function' || (typeof exported === 'object' && exported !== null)) {
    return exported
  }
  throw new FilterExportError(specifier, `has ${describe(exported)} for a default export`)
}

/** A CommonJS module that was compiled from ESM has its default export inside of Node's. */
function unwrapped(exported: unknown): unknown {
  const isCompiled = typeof exported === 'object' && exported !== null && '__esModule' in exported
  return isCompiled && 'default' in exported ? exported.default : exported
}

async function make(
  { specifier, options }: ReadEntry,
  exported: unknown,
  limit: TimeLimit,
): Promise<unknown> {
  if (typeof exported !== 'function') {
    if (options === undefined) return exported
    throw new FilterExportError(specifier, 'takes no options and was given some')
  }
  const making = (async () => exported(options))()
  try {
    return await limit.wait(making)
  } catch (cause) {
    if (!limit.signal.aborted) {
      throw new FilterFactoryError(specifier, messageOf(cause), { cause })
    }
    making.then((late) => late?.dispose?.()).catch(() => {})
    limit.signal.throwIfAborted()
    throw cause
  }
}

/** The first line: the rest is in `cause`. */
function messageOf(cause: unknown): string {
  if (!(cause instanceof Error)) return `it threw ${describe(cause)}`
  return cause.message.split('\n', 1)[0] ?? ''
}
