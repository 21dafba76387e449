import type { z } from 'zod'

/** One thing a user can set, by flag, by environment and by file. */
export interface Setting<T> {
  /** The long flag without its dashes. One dash works as well as two. */
  flag: string
  variables: readonly string[]
  /** The key in a configuration file. */
  key: string
  schema: z.ZodType<T>
  /** From the text of a flag or variable to what the file would hold; the schema judges it. */
  fromText: (text: string) => unknown
  default: T
  /** What is allowed, as an error says it. */
  allowed: string
  /** What stands for the value in the help; without one the flag is a switch. */
  placeholder?: string
  help: string
  /** Left to the help of `tailproxy export`: the first screen has room for what everybody needs. */
  isDetail?: boolean
  /** A flag that is given again adds to what it said before. */
  isList?: boolean
  /** Never shown, in errors neither. */
  secret?: boolean
}

/** Where a value came from. */
export type Origin =
  | { kind: 'flag'; name: string }
  | { kind: 'environment'; name: string }
  | { kind: 'file'; path: string; key: string }
  | { kind: 'default' }

export function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'flag':
      return `--${origin.name}`
    case 'environment':
      return origin.name
    case 'file':
      return `${origin.path}: "${origin.key}"`
    case 'default':
      return 'default'
  }
}
