import { type Setting, type SettingName, settings } from '@tailproxy/config/collect'
import { COMMANDS, type CommandLine, type CommandName } from './arguments.ts'
import { type CommandInfo, commandTable } from './command-table.ts'
import { type OwnFlag, ownFlags } from './own-flags.ts'

/** Where descriptions start in the first help. */
const FIRST_COLUMN = 22

/** Settings that the first help has room for. */
const MOST_USED = [
  ...(['hostname', 'authKey', 'exitNode', 'exportListeners', 'onlyTailnet'] as const),
  ...(['profile', 'verbose'] as const),
] satisfies SettingName[]

/** What `--help` shows with a command, or without one. */
export function helpOf(command: CommandLine['command'], isExplicit = true): string {
  if (command === 'serve' || (command === 'run' && !isExplicit)) return helpText()
  return commandHelp(command === 'lab run' ? 'lab' : command)
}

/** The help; it fits a terminal of 80 columns and 40 lines. */
export function helpText(): string {
  const commands = COMMANDS.map(
    (name) => `  ${name.padEnd(FIRST_COLUMN - 9)}${commandTable[name].summary}`,
  )
  const flags = [
    ...MOST_USED.map((name) => lineOf(settings[name].flag, settings[name])),
    ...(['config', 'help', 'version'] as const).map((name) => lineOf(name, ownFlags[name])),
  ]
  return `Runs any program on a tailnet, without root and without installing Tailscale.

Usage: tailproxy [flags] [run] PROGRAM [ARGUMENT…]   run it on the tailnet
       tailproxy [flags]                             serve SOCKS5 (foreground)
       tailproxy COMMAND --help                      one of these:
${commands.join('\n')}

Flags (tailproxy run --help lists them all; each has its TAILPROXY_… variable):
${flags.join('\n')}

Examples:
  tailproxy curl http://peer/
  tailproxy --export-listeners python3 -m http.server 8000
  tailproxy lab run -- curl http://hello/

Exit status: the program's; 125 if TailProxy fails, 126 if the program cannot be
executed, 127 if it is not found.
`
}

/** What `tailproxy COMMAND --help` shows. */
export function commandHelp(command: CommandName): string {
  const info = commandTable[command]
  const parts = [info.title, usageOf(info), info.notes, flagsOf(info), examplesOf(info)]
  return `${parts.filter(Boolean).join('\n\n')}\n`
}

function usageOf({ usage }: CommandInfo): string {
  const width = Math.max(...usage.map(([words]) => words.length))
  return usage
    .map(([words, does], at) => {
      const head = at === 0 ? 'Usage:' : '      '
      return `${head} tailproxy ${words.padEnd(width)}   ${does}`
    })
    .join('\n')
}

function flagsOf({ own, listed = [] }: CommandInfo): string {
  const flags: [string, Pick<OwnFlag, 'placeholder' | 'short' | 'help'>][] = [
    ...listed.map((name): [string, Setting<unknown>] => [settings[name].flag, settings[name]]),
    ...own
      .filter((name) => name !== 'config' || listed.length > 0)
      .map((name): [string, OwnFlag] => [name, ownFlags[name]]),
  ]
  const column = Math.max(...flags.map(([name, flag]) => usageOfFlag(name, flag).length)) + 2
  return ['Flags:', ...flags.map(([name, flag]) => lineOf(name, flag, column))].join('\n')
}

function examplesOf({ examples }: CommandInfo): string {
  return ['Examples:', ...examples.map((example) => `  tailproxy ${example}`)].join('\n')
}

function usageOfFlag(name: string, { short, placeholder }: Omit<OwnFlag, 'help'>): string {
  const word = short === undefined ? `--${name}` : `-${short}, --${name}`
  return placeholder ? `  ${word} ${placeholder}` : `  ${word}`
}

function lineOf(
  name: string,
  flag: Pick<OwnFlag, 'placeholder' | 'short' | 'help'>,
  column = FIRST_COLUMN,
): string {
  return `${usageOfFlag(name, flag).padEnd(column)}${flag.help}`
}
