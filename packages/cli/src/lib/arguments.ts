import { nearestOf, type SettingName, settings } from '@tailproxy/config/collect'
import { CommandLineError } from './exit-status.ts'
import { type OwnFlag, type OwnFlagName, ownFlagNames, ownFlags } from './own-flags.ts'

/** The commands; a program with one of these names is reached with `run`. */
export const COMMANDS = [
  'run',
  'up',
  'down',
  'status',
  'login',
  'logout',
  'exit-node',
  'peers',
  'export',
  'profile',
  'config',
  'doctor',
  'lab',
  'completions',
] as const
/** Those behind whose first operand nothing is ours. */
const TAKES_PROGRAM: ReadonlySet<string> = new Set(['run', 'lab'])
export type CommandName = (typeof COMMANDS)[number]

/** What the words of a command line ask for. */
export interface CommandLine {
  /** `serve` when no command stands there at all: SOCKS5 in the foreground. */
  command: CommandName | 'serve' | 'lab run'
  /** What stands behind the command: for `run` and `lab run` the program and its arguments, for `export` ports. */
  operands: string[]
  flags: Partial<Record<SettingName, string>>
  /** Those that are no settings: a switch that is on is 'true'. */
  own: Partial<Record<OwnFlagName, string>>
  /** `own` of these, as booleans. */
  json: boolean
  purge: boolean
  watch: boolean
  report: boolean
  help: boolean
  version: boolean
  /** Whether the word `run` said that what follows is a program. */
  isExplicit: boolean
}

type Kind = 'value' | 'switch'

function kindOf(flag: object): Kind {
  return 'placeholder' in flag ? 'value' : 'switch'
}

/** Every flag by its name without dashes. Those with one dash are written so in document and habit. */
const FLAGS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ...ownFlagNames.map((name): [string, Kind] => [name, kindOf(ownFlags[name])]),
  ...Object.values(settings).map((setting): [string, Kind] => [setting.flag, kindOf(setting)]),
])

/** Those that add to what they said before when they are given again. */
const LISTS: ReadonlySet<string> = new Set(
  Object.values(settings).flatMap((setting) => ('isList' in setting ? setting.flag : [])),
)

const SHORT: ReadonlyMap<string, string> = new Map(
  ownFlagNames.flatMap((name) => {
    const { short }: OwnFlag = ownFlags[name]
    return short === undefined ? [] : [[short, name]]
  }),
)

/**
 * Reads a command line. Flags come before the command and between it and its operands; the first
 * operand of `run` (or of no command) starts the program, and nothing behind it is read.
 *
 * @throws {CommandLineError} naming the flag and the nearest one that there is
 */
export function readCommandLine(words: readonly string[]): CommandLine {
  const before = readFlags(words)
  const [first, ...rest] = before.operands
  if (first === undefined) {
    return { ...toCommandLine(before.values), command: 'serve', operands: [] }
  }
  if (before.ended || !isCommand(first)) {
    return { ...toCommandLine(before.values), command: 'run', operands: before.operands }
  }
  // Their operands are no programs, so flags may stand among them.
  const behind = TAKES_PROGRAM.has(first) ? readFlags(rest) : readAllFlags(rest)
  const values = joined([...before.values, ...behind.values])
  const [second, ...operands] = behind.operands
  if (first !== 'lab' || behind.ended || second !== 'run') {
    const isExplicit = first === 'run'
    return { ...toCommandLine(values), command: first, operands: behind.operands, isExplicit }
  }
  const last = readFlags(operands)
  return {
    ...toCommandLine(joined([...values, ...last.values])),
    command: 'lab run',
    operands: last.operands,
  }
}

interface Flags {
  values: Map<string, string>
  operands: string[]
  /** Whether `--` ended the flags, so that what follows is no command of ours. */
  ended: boolean
}

/** Reads flags wherever they stand before a `--`. */
function readAllFlags(words: readonly string[]): Flags {
  const operands: string[] = []
  const entries: [string, string][] = []
  let read = readFlags(words)
  for (;;) {
    entries.push(...read.values)
    const [operand, ...rest] = read.operands
    if (read.ended || operand === undefined) {
      return {
        values: joined(entries),
        operands: [...operands, ...read.operands],
        ended: read.ended,
      }
    }
    operands.push(operand)
    read = readFlags(rest)
  }
}

/** The last value of each flag, or all of a list's. */
function joined(entries: readonly (readonly [string, string])[]): Map<string, string> {
  const values = new Map<string, string>()
  for (const [name, value] of entries) {
    const before = LISTS.has(name) ? values.get(name) : undefined
    values.set(name, before === undefined ? value : `${before},${value}`)
  }
  return values
}

/** Reads flags up to the first operand or `--`. */
function readFlags(words: readonly string[]): Flags {
  const entries: [string, string][] = []
  let index = 0
  for (;;) {
    const word = words[index]
    if (word === '--') {
      return { values: joined(entries), operands: words.slice(index + 1), ended: true }
    }
    if (word === undefined || !word.startsWith('-') || word === '-') {
      return { values: joined(entries), operands: words.slice(index), ended: false }
    }
    index += 1
    const [, written = '', inline] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? []
    const name = word.startsWith('--') ? written : (SHORT.get(written) ?? written)
    const kind = FLAGS.get(name)
    if (kind === undefined) throw unknownFlag(word, name)
    const next = kind === 'value' && inline === undefined ? words[index++] : (inline ?? 'true')
    if (next === undefined) throw new CommandLineError(`--${name} needs a value: --${name}=VALUE`)
    // Whoever wrote --config=$FILE wants that file's settings, not none.
    if (name === 'config' && next === '') throw new CommandLineError('--config needs a file')
    entries.push([name, next])
  }
}

function unknownFlag(word: string, name: string): CommandLineError {
  const nearest = nearestOf(name, [...FLAGS.keys()])
  const hint = nearest ? `did you mean --${nearest}?` : 'tailproxy --help lists the flags'
  return new CommandLineError(`unknown flag ${word.split('=', 1)[0]}; ${hint}`)
}

function isCommand(word: string): word is CommandName {
  return (COMMANDS as readonly string[]).includes(word)
}

function toCommandLine(
  values: ReadonlyMap<string, string>,
): Omit<CommandLine, 'command' | 'operands'> {
  const flags: Partial<Record<SettingName, string>> = {}
  for (const [name, setting] of Object.entries(settings)) {
    const value = values.get(setting.flag)
    if (value !== undefined) flags[name as SettingName] = value
  }
  const own: Partial<Record<OwnFlagName, string>> = {}
  for (const name of ownFlagNames) {
    const value = values.get(name)
    if (value !== undefined) own[name] = value
  }
  return {
    flags,
    own,
    json: isOn('json', own),
    purge: isOn('purge', own),
    watch: isOn('watch', own),
    report: isOn('report', own),
    help: isOn('help', own),
    version: isOn('version', own),
    isExplicit: false,
  }
}

function isOn(name: OwnFlagName, own: CommandLine['own']): boolean {
  const value = own[name]
  if (value === undefined || value === 'false') return false
  if (value === 'true') return true
  throw new CommandLineError(`--${name} is "${value}"; allowed is true or false`)
}
