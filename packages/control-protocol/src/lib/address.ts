// No leading zeros: inet_aton(3) would read 010 as eight, and two readings are a hole in a filter.
const DECIMAL_OCTET = /^(?:0|[1-9][0-9]{0,2})$/
const HEX_GROUP = /^[0-9a-f]{1,4}$/i

/**
 * The one spelling of an address: a dotted quad, or RFC 5952 for IPv6. `undefined` for what is no
 * address of that version, as with a zone, brackets or a prefix length.
 */
export function canonicalAddress(version: 4 | 6, text: string): string | undefined {
  if (version === 4) return quadOctets(text)?.join('.')
  const groups = ipv6Groups(text)
  return groups && formatGroups(groups)
}

function quadOctets(text: string): number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  if (!parts.every((part) => DECIMAL_OCTET.test(part) && Number(part) <= 255)) return undefined
  return parts.map(Number)
}

/** The eight groups of any spelling of RFC 4291 section 2.2. */
function ipv6Groups(text: string): number[] | undefined {
  const [head = '', tail, ...more] = text.split('::')
  if (more.length > 0) return undefined
  const start = groupsOf(head, tail === undefined)
  if (start === undefined) return undefined
  if (tail === undefined) return start.length === 8 ? start : undefined
  const end = groupsOf(tail, true)
  // "::" stands for one group or more.
  if (end === undefined || start.length + end.length > 7) return undefined
  return [...start, ...new Array<number>(8 - start.length - end.length).fill(0), ...end]
}

/** Groups between colons; only the last of the whole address may be a dotted quad. */
function groupsOf(text: string, isLast: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [at, part] of parts.entries()) {
    if (HEX_GROUP.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const quad = isLast && at === parts.length - 1 ? quadOctets(part) : undefined
    if (quad === undefined) return undefined
    const [a = 0, b = 0, c = 0, d = 0] = quad
    groups.push(a * 256 + b, c * 256 + d)
  }
  return groups
}

function formatGroups(groups: readonly number[]): string {
  // RFC 5952 section 5: an IPv4-mapped address is known by its prefix, so it shows its IPv4.
  if (groups.slice(0, 6).every((group, at) => group === (at < 5 ? 0 : 0xffff))) {
    const quad = groups.slice(6).flatMap((group) => [group >> 8, group & 255])
    return `::ffff:${quad.join('.')}`
  }
  const text = groups.map((group) => group.toString(16)).join(':')
  // RFC 5952 section 4.2: the longest run of zeros, of equals the first, never a single one.
  const runs = text.match(/\b0(?::0)+\b/g) ?? []
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '')
  if (longest === '') return text
  return text.replace(new RegExp(`(?:^|:)\\b${longest}\\b(?::|$)`), '::')
}
