const STEPS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const

/** A time of so many milliseconds, for people: its two largest units, as `2 h 5 min`. */
export function timeSpan(milliseconds: number): string {
  const parts: string[] = []
  let rest = Math.max(0, milliseconds)
  for (const [unit, length] of STEPS) {
    const count = Math.floor(rest / length)
    rest -= count * length
    if (count > 0) parts.push(`${count} ${unit}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.join(' ') || '0 s'
}
