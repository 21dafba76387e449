import { fromSwitch } from './from-text.ts'

/** One thing a user can set, by flag, by environment and by file. */
export interface Setting<T> {
  /** The long flag without its dashes. One dash works as well as two. */
  flag: string
  variables: readonly string[]
  /** The key in a configuration file. */
  key: string
  /** From the text of a flag or variable to what the file would hold; the schema judges it. */
  fromText: (text: string) => unknown
  default: T
  /** What is allowed, as an error says it. */
  allowed: string
  /** What stands for the value in the help; without one the flag is a switch. */
  placeholder?: string
  help: string
  group: SettingGroup
  /**
   * Whose it is: of the session, which all commands of a profile share (so that one which joins it
   * cannot ask for another value), or of one run in it.
   */
  scope: 'session' | 'run'
  /**
   * What a project file, which may have come with somebody else's repository, would do by setting
   * it; so it must not, unless the value is one that takes nothing from whoever reads it.
   */
  guarded?: { why: string; unless?: (value: unknown) => boolean }
  /** Left to the help of a command: the first screen has room for what everybody needs. */
  isDetail?: boolean
  /** A flag that is given again adds to what it said before. */
  isList?: boolean
  /** A time, in milliseconds. */
  isTime?: boolean
  /** Never shown, in errors neither. */
  secret?: boolean
}

export type SettingGroup = 'node' | 'traffic' | 'exports' | 'session'

/** What all switches have in common. */
export const onOff = {
  fromText: fromSwitch,
  default: false,
  allowed: 'true or false',
}

/** Which of the files a value stands in: `config` is the one that was named in place of user's and project's. */
export type FileRole = 'profile' | 'project' | 'user' | 'config'

/** Where a value that somebody gave came from. */
export type GivenOrigin =
  | { kind: 'flag'; name: string }
  | { kind: 'environment'; name: string }
  | { kind: 'file'; role: FileRole; path: string; key: string }

/** Where a value came from. */
export type Origin = GivenOrigin | { kind: 'default' }

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
