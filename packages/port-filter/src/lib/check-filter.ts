import { FilterShapeError, PortSpecError } from './errors.ts'
import type { Filter, FilterHook } from './filter.ts'
import type { PeerList } from './inbound-rules.ts'
import { nearest } from './nearest.ts'
import { parsePortSet } from './parse-port-set.ts'
import type { PortLists } from './port-filter.ts'
import { describe, quote } from './quote.ts'

export const HOOKS: readonly FilterHook[] = ['outbound', 'inbound', 'export']

/** `decide` is a port filter's own; the chain does not call it. */
const FUNCTIONS: readonly string[] = [...HOOKS, 'dispose', 'decide']
const FIELDS: readonly string[] = [...FUNCTIONS, 'name', 'static']
const MAX_NAME_LENGTH = 64

/** Static rules as they were when they were read. */
export interface ReadRules {
  readonly inbound?: PeerList | undefined
  readonly exports?: PortLists | undefined
}

/**
 * Makes sure that `value` is a filter. Whatever could be a misspelt hook or rule is an error: it
 * would be a restriction that nobody applies.
 *
 * @param subject what it is called in a message
 * @throws {FilterShapeError}
 */
export function checkFilter(value: unknown, subject = 'this'): Filter {
  readFilter(value, subject)
  return value as Filter
}

/** Checks a filter, and reads its static rules. */
export function readFilter(value: unknown, subject: string): { filter: Filter; rules: ReadRules } {
  if (typeof value !== 'object' || value === null) {
    throw new FilterShapeError(subject, `it is ${describe(value)}; a filter is an object`)
  }
  const filter = value as Filter & Record<string, unknown>
  const { name } = filter as { name?: unknown }
  if (typeof name !== 'string' || name.trim() === '' || name.length > MAX_NAME_LENGTH) {
    const problem = `its name is ${describe(name)}; allowed are 1 to ${MAX_NAME_LENGTH} characters`
    throw new FilterShapeError(subject, problem)
  }
  const who = subject.includes(quote(name)) ? subject : `${subject} (${quote(name)})`
  for (const key of FUNCTIONS) {
    if (filter[key] === undefined || typeof filter[key] === 'function') continue
    throw new FilterShapeError(who, `its "${key}" is ${describe(filter[key])}, not a function`)
  }
  for (const [key, isFunction] of propertiesOf(filter)) refuseStranger(who, key, isFunction)
  if (filter.static === undefined && HOOKS.every((hook) => filter[hook] === undefined)) {
    const wanted = `${HOOKS.map((hook) => `"${hook}"`).join(', ')} or "static"`
    throw new FilterShapeError(who, `it has none of ${wanted}, so it would never have a say`)
  }
  return { filter, rules: readRules(who, filter.static) }
}

/** Own and inherited properties, by whether they are functions. No getter is run. */
function* propertiesOf(value: object): Generator<[string, boolean]> {
  for (let at = value; at !== null; at = Object.getPrototypeOf(at)) {
    for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (!(key in Object.prototype)) yield [key, typeof property.value === 'function']
    }
  }
}

function refuseStranger(who: string, key: string, isFunction: boolean): void {
  if (FIELDS.includes(key)) return
  const meant = nearest(key, FIELDS)
  // State of an author's own is welcome.
  if (!isFunction && meant === undefined) return
  const hint = meant ? `did you mean "${meant}"?` : `hooks are ${HOOKS.join(', ')} and dispose`
  throw new FilterShapeError(who, `nobody would ever look at its ${quote(key)}; ${hint}`)
}

function readRules(who: string, value: unknown): ReadRules {
  if (value === undefined) return {}
  const { inbound, exports } = fieldsOf(who, 'static', value, ['inbound', 'exports'])
  return { inbound: readInbound(who, inbound), exports: readExports(who, exports) }
}

function readInbound(who: string, value: unknown): PeerList | undefined {
  if (value === undefined) return undefined
  const fields = fieldsOf(who, 'static.inbound', value, ['users', 'tags'])
  const users = stringsOf(who, 'static.inbound.users', fields['users'])
  const tags = stringsOf(who, 'static.inbound.tags', fields['tags'])
  const tag = tags.find((each) => !/^tag:./.test(each))
  if (tag !== undefined) {
    const problem = `static.inbound.tags has ${quote(tag)}; a tag is written as "tag:web"`
    throw new FilterShapeError(who, problem)
  }
  return Object.freeze({ users, tags })
}

function readExports(who: string, value: unknown): PortLists | undefined {
  if (value === undefined) return undefined
  const fields = fieldsOf(who, 'static.exports', value, ['allow', 'deny'])
  const read = (key: string) => {
    if (fields[key] === undefined) return undefined
    try {
      return parsePortSet(fields[key] as string)
    } catch (cause) {
      if (!(cause instanceof PortSpecError)) throw cause
      throw new FilterShapeError(who, `static.exports.${key}: ${cause.message}`, { cause })
    }
  }
  return { allow: read('allow'), deny: read('deny') }
}

function fieldsOf(
  who: string,
  place: string,
  value: unknown,
  known: readonly string[],
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FilterShapeError(who, `its ${place} is ${describe(value)}, not an object`)
  }
  const stranger = Object.keys(value).find((key) => !known.includes(key))
  if (stranger !== undefined) {
    const allowed = `allowed are ${known.join(' and ')}`
    throw new FilterShapeError(who, `its ${place} has a field ${quote(stranger)}; ${allowed}`)
  }
  return { ...value }
}

function stringsOf(who: string, place: string, value: unknown): readonly string[] {
  if (value === undefined) return Object.freeze([])
  if (Array.isArray(value)) {
    const at = value.findIndex((each) => typeof each !== 'string' || each.trim() === '')
    if (at < 0) return Object.freeze([...new Set<string>(value)])
    throw new FilterShapeError(who, `its ${place} has ${describe(value[at])} for a name`)
  }
  throw new FilterShapeError(who, `its ${place} is ${describe(value)}, not an array of strings`)
}
