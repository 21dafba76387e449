import { type Setting, settings } from '@tailproxy/config/collect'

/** Where the descriptions start: two columns behind the longest flag. */
const DESCRIPTION_COLUMN = 22
const EXPORT_COLUMN = 31
const CONFIG_COLUMN = 32

/** The help; it fits a terminal of 80 columns and 40 lines. */
export function helpText(): string {
  return `Runs any program on a tailnet, without root and without installing Tailscale.

Usage: tailproxy [flags] [run] COMMAND [ARGUMENT…]   run COMMAND on the tailnet
       tailproxy [flags]                             serve SOCKS5 (foreground)
       tailproxy export PORT…                        serve a port of this host
       tailproxy up, down, status, doctor            a session, and how it does
       tailproxy config, or profile [use NAME]       what is set, and where
       tailproxy lab [run -- COMMAND…]               a private tailnet to try

Flags stand before the command; one dash works as well as two. More of them are
in tailproxy export --help and tailproxy config --help.
${flagLines().join('\n')}

Each flag has its variable, as TAILPROXY_CONTROL_URL for --control-url (except
TAILPROXY_SOCKS_PORT for --port and TAILPROXY_LOG for --verbose).

Examples:
  tailproxy curl http://peer/
  tailproxy -hostname=laptop psql -h database
  tailproxy --export-listeners python3 -m http.server 8000
  tailproxy lab run -- curl http://hello/

Exit status: the command's; 125 if TailProxy fails, 126 if the command cannot be
executed, 127 if it is not found.
`
}

function flagLines(): string[] {
  return [
    ...Object.values(settings).flatMap((setting) => (isDetail(setting) ? [] : flagLine(setting))),
    flagLine({
      flag: 'config',
      placeholder: 'FILE',
      help: 'read settings from FILE (JSON, comments allowed)',
    }),
    flagLine({ flag: 'json', help: 'with lab, export, status, doctor, or none: as JSON' }),
    '  -h, --help          show this',
    '  -V, --version       show the version',
  ]
}

/** What `--help` shows with a command. */
export function helpOf(command: string): string {
  if (command === 'export') return exportHelpText()
  return command === 'config' || command === 'profile' ? configHelpText() : helpText()
}

/** What `tailproxy export --help` shows. */
export function exportHelpText(): string {
  const details = Object.values(settings).filter(
    (setting) => isDetail(setting) && setting.group === 'exports',
  )
  return `Serves ports of this host to the tailnet.

Usage: tailproxy [flags] export PORT…          serve what listens there already
       tailproxy [flags] export ADDRESS:PORT   at this address, not on loopback
       tailproxy export ls                     what is exported, and how it does
       tailproxy export rm PORT…               end it
       tailproxy --export-listeners COMMAND    serve whatever COMMAND listens on

PORT is a number, a range (8000-8010) or a service's name (http). Where a
session runs already the ports are added to it, and end with it.

${details.map((setting) => flagLine(setting, EXPORT_COLUMN)).join('\n')}

Examples:
  tailproxy export 8080
  tailproxy --export-user=alice@example.com export 5432
  tailproxy --export-listeners python3 -m http.server 8000
`
}

/** What `tailproxy config --help` and `tailproxy profile --help` show. */
export function configHelpText(): string {
  const details = Object.values(settings).filter(
    (setting) => isDetail(setting) && setting.group !== 'exports',
  )
  return `Shows what is set and where it was set, and chooses among profiles.

Usage: tailproxy config             each value, and where it comes from
       tailproxy config path        the files that are looked at
       tailproxy config schema      the JSON Schema of such a file, for editors
       tailproxy profile            the profiles; * marks the one in use
       tailproxy profile use NAME   use this one from now on (none: no profile)

A flag goes before TAILPROXY_…, that before the profile, that before the file
.tailproxy.json of the project, that before ~/.config/tailproxy/config.json.
A profile is profiles/NAME.json beside the latter, with a login of its own.

These flags are for every command, as those in tailproxy --help:
${details.map((setting) => flagLine(setting, CONFIG_COLUMN)).join('\n')}

Examples:
  tailproxy config path
  tailproxy --profile=work config path
  tailproxy profile use work
`
}

function isDetail(setting: object): boolean {
  return 'isDetail' in setting
}

function flagLine(
  setting: Pick<Setting<unknown>, 'flag' | 'placeholder' | 'help'>,
  column = DESCRIPTION_COLUMN,
): string {
  const { flag, placeholder, help } = setting
  const usage = placeholder ? `  --${flag} ${placeholder}` : `  --${flag}`
  return `${usage.padEnd(column)}${help}`
}
