import { z } from 'zod'

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
/** Milliseconds. What a timer of Node can wait for: 24 days. */
const LONGEST = 2_147_483_647
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/

/** '90s' or '10m' in milliseconds; a bare number is seconds. */
function toMilliseconds(value: string): number {
  const [, number, unit = 's'] = DURATION.exec(value) ?? []
  return Math.round(Number(number) * UNITS[unit as keyof typeof UNITS])
}

/** A time, to milliseconds. In a file it is written as in a flag, or as a number of seconds. */
export const duration = z
  .union([
    z.string().regex(DURATION).transform(toMilliseconds),
    z
      .number()
      .min(0)
      .max(LONGEST / UNITS.s)
      .transform((seconds) => Math.round(seconds * UNITS.s)),
  ])
  .pipe(z.int().min(0).max(LONGEST))
