import path from 'node:path'

/** How the text of a flag or variable becomes what a file would hold. What is no such thing stays text, for the check to show. */

export const text = (value: string): unknown => value

export function fromSwitch(value: string): unknown {
  if (['1', 'true', 'yes', 'on'].includes(value.toLowerCase())) return true
  if (['0', 'false', 'no', 'off', ''].includes(value.toLowerCase())) return false
  return value
}

export function fromList(value: string): string[] {
  return value.split(/[,\s]+/).filter((part) => part !== '')
}

/** For a list that narrows what is let in: an empty one, as of a variable that is unset, would let in all. */
export function fromNarrowingList(value: string): unknown {
  const parts = fromList(value)
  return parts.length > 0 ? parts : value
}

/** At most 15 digits: a number of more is not exact, and one of 400 would be Infinity, which JSON does not have. */
export const whole = (value: string): unknown => (/^\d{1,15}$/.test(value) ? Number(value) : value)

/** Relative to where the command was started: whoever reads it later may be somewhere else. */
export const fromPath = (value: string): unknown => (value === '' ? value : path.resolve(value))
