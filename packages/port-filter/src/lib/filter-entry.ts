import { FilterEntryError } from './load-errors.ts'
import { nearest } from './nearest.ts'
import { describe, quote } from './quote.ts'

/** A filter as a configuration names it: by path, file URL or package name. */
export type FilterEntry = string | { readonly filter: string; readonly options?: unknown }

export interface ReadEntry {
  readonly specifier: string
  readonly options: unknown
}

const FIELDS = ['filter', 'options']
const WANTED = 'write a path, a package name, or {"filter": "…", "options": {…}}'

/** @throws {FilterEntryError} */
export function readFilterEntry(entry: unknown): ReadEntry {
  if (typeof entry === 'string') return { specifier: checked(entry), options: undefined }
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw new FilterEntryError(`is ${describe(entry)}; ${WANTED}`)
  }
  const stranger = Object.keys(entry).find((key) => !FIELDS.includes(key))
  if (stranger !== undefined) {
    const meant = nearest(stranger, FIELDS)
    const hint = meant ? `did you mean "${meant}"?` : WANTED
    throw new FilterEntryError(`has a field ${quote(stranger)}; ${hint}`)
  }
  const { filter, options } = entry as { filter?: unknown; options?: unknown }
  if (typeof filter !== 'string') {
    throw new FilterEntryError(`has ${describe(filter)} for its filter; ${WANTED}`)
  }
  return { specifier: checked(filter), options }
}

function checked(specifier: string): string {
  if (specifier.trim() !== '' && !specifier.includes('\0')) return specifier
  throw new FilterEntryError(`names the filter ${quote(specifier)}; ${WANTED}`)
}
