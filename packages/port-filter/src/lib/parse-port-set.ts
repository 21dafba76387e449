import { PortSpecError } from './errors.ts'
import { nearest } from './nearest.ts'
import {
  HIGHEST_PORT,
  isPort,
  isPortRange,
  LOWEST_PORT,
  type PortRange,
  PortSet,
} from './port-set.ts'
import { describe, quote } from './quote.ts'
import { portOfService, type ServiceLookup, serviceNames } from './services.ts'

/** `3000,8080,10000-10100,http`, a port, an array of such, or a set that is there already. */
export type PortSpec = string | number | readonly (string | number)[] | Pick<PortSet, 'ranges'>

export interface ParsePortSetOptions {
  /** Asked first, before the built-in names. */
  services?: ServiceLookup | undefined
}

/** What the empty set is called; written by itself only. */
const NONE = 'none'
const RANGE = /^(\d+)-(\d+)$/
/** RFC 6335 section 5.1 and what else occurs in /etc/services. */
const SERVICE_NAME = /^(?=.*[a-z])[a-z\d_.+-]+$/i
const PORTS = `${LOWEST_PORT} to ${HIGHEST_PORT}`

/**
 * Reads a port spec. Parts are separated by commas, and may have spaces around them. An empty array,
 * and `none`, are the empty set; an empty string is an error, since it may well have been meant as
 * no list at all.
 *
 * @throws {PortSpecError} naming the part that is wrong
 */
export function parsePortSet(spec: PortSpec, options: ParsePortSetOptions = {}): PortSet {
  if (typeof spec === 'string') {
    return new PortSet(spec.trim() === NONE ? [] : parseList(spec, options))
  }
  if (typeof spec === 'number') return new PortSet(parseList(String(spec), options))
  if (Array.isArray(spec)) return new PortSet(spec.flatMap((each) => parseElement(each, options)))
  // Not by instanceof: a plugin may have brought a copy of this package of its own.
  if (isPortSet(spec)) return new PortSet(spec.ranges)
  throw notText(spec)
}

function isPortSet(value: unknown): value is Pick<PortSet, 'ranges'> {
  if (typeof value !== 'object' || value === null || !('ranges' in value)) return false
  return Array.isArray(value.ranges) && value.ranges.every(isPortRange)
}

function notText(value: unknown): PortSpecError {
  const found = describe(value)
  return new PortSpecError(found, `${found} is not a list of ports; write it as "3000,8000-8100"`)
}

function wrong(part: string, spec: string, problem: string): PortSpecError {
  const place = part === spec.trim() ? '' : ` in ${quote(spec)}`
  return new PortSpecError(part, `${quote(part)}${place} ${problem}`)
}

function parseElement(element: unknown, options: ParsePortSetOptions): PortRange[] {
  if (typeof element !== 'string' && typeof element !== 'number') {
    throw notText(element)
  }
  return parseList(String(element), options)
}

function parseList(spec: string, options: ParsePortSetOptions): PortRange[] {
  if (spec.trim() === '') {
    throw wrong(
      '',
      spec,
      'names no port; leave the list out to have none, or write "none" for a list without ports',
    )
  }
  return spec.split(',').map((part) => parsePart(part.trim(), spec, options))
}

function parsePart(part: string, spec: string, options: ParsePortSetOptions): PortRange {
  if (part === '') {
    throw wrong(part, spec, 'is an empty part; remove the comma that is too many')
  }
  if (/^\d+$/.test(part)) {
    const port = parsePort(part, part, spec)
    return { from: port, to: port }
  }
  const [, first, second] = RANGE.exec(part) ?? []
  if (first !== undefined && second !== undefined) {
    const [from, to] = [parsePort(first, part, spec), parsePort(second, part, spec)]
    if (from > to) {
      throw wrong(part, spec, `is a reversed range; write "${to}-${from}"`)
    }
    return { from, to }
  }
  const port = parseService(part, spec, options)
  return { from: port, to: port }
}

function parsePort(digits: string, part: string, spec: string): number {
  const port = Number(digits)
  if (isPort(port) && !digits.startsWith('0')) return port
  const found = digits === part ? 'is not a port' : `has ${quote(digits)} for a port`
  throw wrong(part, spec, `${found}; allowed are ${PORTS}, without leading zeros`)
}

function parseService(name: string, spec: string, { services }: ParsePortSetOptions): number {
  const isName = SERVICE_NAME.test(name)
  const port: unknown = isName ? (services?.(name) ?? portOfService(name)) : undefined
  if (isPort(port)) return port
  if (port !== undefined) {
    const found = describe(port)
    throw wrong(name, spec, `was looked up to ${found}; a port is ${PORTS}`)
  }
  const meant = isName ? nearest(name, serviceNames()) : undefined
  const hint = meant ? `; did you mean "${meant}"?` : ''
  throw wrong(
    name,
    spec,
    `is neither a port (${PORTS}), a range as 8000-8100, nor a service name${hint}`,
  )
}
