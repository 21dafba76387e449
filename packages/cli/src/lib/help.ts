import { type Setting, settings } from '@tailproxy/config/collect'

/** Where the descriptions start: two columns behind the longest flag. */
const DESCRIPTION_COLUMN = 22
const EXPORT_COLUMN = 31

/** The help; it fits a terminal of 80 columns and 40 lines. */
export function helpText(): string {
  return `Runs any program on a tailnet, without root and without installing Tailscale.

Usage: tailproxy [flags] [run] COMMAND [ARGUMENT…]   run COMMAND on the tailnet
       tailproxy [flags]                             serve SOCKS5 (foreground)
       tailproxy export PORT…                        serve a port of this host
       tailproxy status, or doctor [COMMAND…]        how session, or host, does
       tailproxy lab                                 start a private tailnet
       tailproxy lab run -- COMMAND [ARGUMENT…]      run COMMAND on its own lab

Flags stand before the command; one dash works as well as two. Those about
exports are in tailproxy export --help.
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

/** What `tailproxy export --help` shows. */
export function exportHelpText(): string {
  const details = Object.values(settings).filter(isDetail)
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
