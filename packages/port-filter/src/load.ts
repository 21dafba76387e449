export type { FilterEntry } from './lib/filter-entry.ts'
export {
  FilterEntryError,
  FilterExportError,
  FilterFactoryError,
  FilterImportError,
  FilterNotFoundError,
} from './lib/load-errors.ts'
export {
  DEFAULT_LOAD_TIMEOUT,
  type LoadFilterOptions,
  loadFilter,
  loadFilters,
} from './lib/load-filter.ts'
