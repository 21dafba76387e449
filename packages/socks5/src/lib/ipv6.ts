import { AddressError } from './errors.ts'
import { ipv4Octets } from './ipv4.ts'

const HEX_GROUP = /^[0-9a-f]{1,4}$/i

/**
 * The sixteen octets of an IPv6 address in any spelling of RFC 4291 section 2.2.
 * @throws {AddressError} for anything else: brackets, a prefix length, a zone (the format of
 * RFC 1928 has no place for one)
 */
export function parseIpv6(text: string): Uint8Array {
  const octets = ipv6Octets(text)
  if (octets === undefined) throw new AddressError(text, 'an IPv6 address such as 2001:db8::1')
  return octets
}

/** As `parseIpv6`, but `undefined` for what is not an IPv6 address. */
export function ipv6Octets(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half, at) => octetsOf(half, at === halves.length - 1))
  if (head === undefined) return undefined
  if (halves.length === 1) return head.length === 16 ? Uint8Array.from(head) : undefined
  // "::" stands for one group or more, so fourteen octets at most are written out.
  if (tail === undefined || head.length + tail.length > 14) return undefined
  const octets = new Uint8Array(16)
  octets.set(head)
  octets.set(tail, 16 - tail.length)
  return octets
}

/** Groups between colons; only the last of the whole address may be a dotted quad. */
function octetsOf(half: string, isLast: boolean): number[] | undefined {
  if (half === '') return []
  const octets: number[] = []
  const groups = half.split(':')
  for (const [at, group] of groups.entries()) {
    if (HEX_GROUP.test(group)) {
      const value = Number.parseInt(group, 16)
      octets.push(value >> 8, value & 255)
      continue
    }
    const quad = isLast && at === groups.length - 1 ? ipv4Octets(group) : undefined
    if (quad === undefined) return undefined
    octets.push(...quad)
  }
  return octets
}

/** The one spelling of RFC 5952. @throws {AddressError} unless there are sixteen octets */
export function formatIpv6(octets: Uint8Array): string {
  if (octets.length !== 16) throw new AddressError(octets.join('.'), 'sixteen octets')
  // RFC 5952 section 5: an IPv4-mapped address is known by its prefix, so it shows its IPv4.
  if (isIpv4Mapped(octets)) return `::ffff:${octets.subarray(12).join('.')}`
  const groups = Array.from({ length: 8 }, (_, at) => groupAt(octets, at * 2))
  const { start, length } = longestZeroRun(groups)
  const hex = groups.map((group) => group.toString(16))
  // RFC 5952 section 4.2.2: a single zero group is not shortened.
  if (length < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

function isIpv4Mapped(octets: Uint8Array): boolean {
  return octets.subarray(0, 12).every((octet, at) => octet === (at < 10 ? 0 : 0xff))
}

function groupAt(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0)
}

/** RFC 5952 section 4.2.3: the longest, and of equals the first. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 }
  let run = 0
  for (const [at, group] of groups.entries()) {
    run = group === 0 ? run + 1 : 0
    if (run > longest.length) longest = { start: at - run + 1, length: run }
  }
  return longest
}
