import { type SettingName, settingNames, settings } from '@tailproxy/config/collect'
import { COMMANDS, type CommandLine, type CommandName } from './arguments.ts'
import { commandTable } from './command-table.ts'
import { CommandLineError } from './exit-status.ts'
import { type OwnFlagName, ownFlagNames } from './own-flags.ts'

/** Those that say something about the command line itself. */
const EVERYWHERE: ReadonlySet<OwnFlagName> = new Set(['config', 'help', 'version'])

/**
 * Refuses flags that make no difference to the command they stand with: whoever gave one thinks that
 * it does.
 *
 * @throws {CommandLineError} naming the flag, and the commands that it is for
 */
export function checkFlags({ command, flags, own }: CommandLine): void {
  const { own: taken, settings: takenSettings } = takes(command)
  for (const name of ownFlagNames) {
    if (own[name] === undefined || EVERYWHERE.has(name) || taken.includes(name)) continue
    throw misplaced(name, command, (info) => info.own.includes(name))
  }
  for (const name of settingNames) {
    if (flags[name] === undefined || takenSettings.includes(name)) continue
    const { flag } = settings[name]
    throw misplaced(flag, command, (info) => info.settings.includes(name))
  }
}

interface Taken {
  own: readonly OwnFlagName[]
  settings: readonly SettingName[]
}

function takes(command: CommandLine['command']): Taken {
  // With no command it prints what can be read by a program, too.
  if (command === 'serve') return { own: ['json'], settings: settingNames }
  if (command === 'lab run') return commandTable.run
  return commandTable[command]
}

function misplaced(
  flag: string,
  command: CommandLine['command'],
  isTaken: (info: Taken) => boolean,
): CommandLineError {
  const takers = COMMANDS.filter((name: CommandName) => isTaken(commandTable[name]))
  const here = command === 'serve' ? 'tailproxy without a command' : `tailproxy ${command}`
  return new CommandLineError(`--${flag} is nothing to ${here}; it is for ${takers.join(', ')}`)
}
