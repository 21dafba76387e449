import { settings } from '@tailproxy/config/collect'
import { COMMANDS, type CommandName } from '../arguments.ts'
import { commandTable, type OperandKind, type Verb } from '../command-table.ts'
import { type OwnFlag, ownFlagNames, ownFlags } from '../own-flags.ts'

/** What may stand for a flag's value: names that are asked for, paths, or these words; else anything. */
export type FlagValue = OperandKind | 'files' | 'directories' | readonly string[]

export interface CompletedFlag {
  name: string
  short: string | undefined
  help: string
  /** Undefined for a switch, and for a value that nobody can guess. */
  value: FlagValue | undefined
  takesValue: boolean
  /** Of these commands; what stands before any command is of `run`. */
  commands: readonly CommandName[]
}

export interface CompletedCommand {
  name: CommandName
  summary: string
  verbs: readonly Verb[]
  operand: OperandKind | undefined
}

export const completedCommands: readonly CompletedCommand[] = COMMANDS.map((name) => {
  const { summary, verbs = [], operand } = commandTable[name]
  return { name, summary, verbs, operand }
})

const VALUES: Readonly<Record<string, FlagValue>> = {
  config: 'files',
  'state-dir': 'directories',
  'exit-node': 'exit-nodes',
  profile: 'profiles',
  filter: 'files',
  udp: ['proxy', 'block', 'direct'],
}

export const completedFlags: readonly CompletedFlag[] = [
  ...ownFlagNames.map((name) => {
    const isEverywhere = name === 'help' || name === 'version'
    return completed(name, ownFlags[name], (command) =>
      isEverywhere ? true : commandTable[command].own.includes(name),
    )
  }),
  ...(Object.keys(settings) as (keyof typeof settings)[]).map((name) =>
    completed(settings[name].flag, settings[name], (command) =>
      commandTable[command].settings.includes(name),
    ),
  ),
]

function completed(
  name: string,
  flag: OwnFlag,
  isOf: (command: CommandName) => boolean,
): CompletedFlag {
  const { short, help } = flag
  const takesValue = 'placeholder' in flag
  const commands = COMMANDS.filter(isOf)
  return { name, short, help, value: VALUES[name], takesValue, commands }
}

export function flagsOf(command: CommandName): CompletedFlag[] {
  return completedFlags.filter(({ commands }) => commands.includes(command))
}

/** The spellings of all flags that take a value, for which the next word stands. */
export function flagsWithValue(): string[] {
  return completedFlags
    .filter(({ takesValue }) => takesValue)
    .flatMap(({ name, short }) => (short === undefined ? [name] : [short, name]))
}

/** Flags that say which session is asked for names. */
export const placeFlags = ['profile', 'state-dir', 'control-url', 'config'] as const
