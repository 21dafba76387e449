/** A flag that is no setting: of a single command, or about the command line itself. */
export interface OwnFlag {
  /** What stands for its value; without one it is a switch. */
  placeholder?: string
  /** One letter, behind one dash. */
  short?: string
  help: string
}

/** Read wherever flags are; which of them a command takes, the table of commands says. */
export const ownFlags = {
  config: { placeholder: 'FILE', help: 'read settings from FILE (JSON, comments allowed)' },
  json: { help: 'print JSON' },
  count: { placeholder: 'N', short: 'c', help: 'send so many (default: 4)' },
  watch: { help: 'show it again every second' },
  report: { help: 'print a report without names, addresses and keys' },
  purge: { help: 'remove the login and all else that is kept, too' },
  help: { short: 'h', help: 'show this' },
  version: { short: 'V', help: 'show the version' },
} satisfies Record<string, OwnFlag>

export type OwnFlagName = keyof typeof ownFlags

export const ownFlagNames = Object.keys(ownFlags) as OwnFlagName[]
