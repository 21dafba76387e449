import { canonicalAddress } from './address.ts'
import { type LineError, type LineErrorCode, lineError } from './line-error.ts'

/** What version 1 tells of. */
export type FamilyV1 = 'tcp4' | 'tcp6'

/** `tcp6` takes no IPv4 (`IPV6_V6ONLY`), `tcp46` takes both; `udp` alike. */
export type Family = FamilyV1 | 'tcp46' | 'udp4' | 'udp6' | 'udp46'

/** A word as it was read, or why it is not one of those allowed. */
export type Field<Value> = { readonly value: Value } | { readonly error: LineError }

const FAMILIES_V1: readonly string[] = ['tcp4', 'tcp6']
const FAMILIES: readonly string[] = [...FAMILIES_V1, 'tcp46', 'udp4', 'udp6', 'udp46']
// Enough for 2 ** 64 - 1, so that a long word costs no arithmetic.
const DECIMAL = /^(?:0|[1-9][0-9]{0,19})$/

const MAX_UINT32 = 4_294_967_295
const MAX_UINT64 = 18_446_744_073_709_551_615n
/** PID_MAX_LIMIT is 2 ** 22; pid_t is a signed integer of 32 bits. */
const MAX_PID = 2_147_483_647

export function readVersion(word: string): Field<number> {
  return readNumber('version', word, 2, MAX_UINT32)
}

export function readPid(word: string): Field<number> {
  return readNumber('pid', word, 1, MAX_PID)
}

/** 0 is a request that wants no answer. */
export function readId(word: string, min: 0 | 1 = 0): Field<number> {
  return readNumber('id', word, min, MAX_UINT32)
}

export function readPort(word: string): Field<number> {
  return readNumber('port', word, 1, 65_535)
}

/** 0 is a socket whose cookie is not known. */
export function readSocket(word: string): Field<bigint> {
  const value = DECIMAL.test(word) ? BigInt(word) : undefined
  if (value !== undefined && value <= MAX_UINT64) return { value }
  return wrong('socket', word, `a number of 0 to ${MAX_UINT64}`)
}

export function readFamilyV1(word: string): Field<FamilyV1> {
  if (FAMILIES_V1.includes(word)) return { value: word as FamilyV1 }
  return wrong('family', word, FAMILIES_V1.join(' or '))
}

export function readFamily(word: string): Field<Family> {
  if (FAMILIES.includes(word)) return { value: word as Family }
  return wrong('family', word, FAMILIES.join(', '))
}

/** In the one spelling of `canonicalAddress`, however it was written. */
export function readAddress(word: string, family: Family): Field<string> {
  const version = family.endsWith('p4') ? 4 : 6
  const value = canonicalAddress(version, word)
  if (value !== undefined) return { value }
  return wrong('address', word, `an IPv${version} address without a zone, since it is ${family}`)
}

function readNumber(code: LineErrorCode, word: string, min: number, max: number): Field<number> {
  const value = DECIMAL.test(word) ? Number(word) : -1
  if (value >= min && value <= max) return { value }
  return wrong(code, word, `a number of ${min} to ${max}`)
}

function wrong(code: LineErrorCode, word: string, allowed: string): { error: LineError } {
  return { error: lineError(code, word, allowed) }
}
