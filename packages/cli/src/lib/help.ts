import { type Setting, settings } from '@tailproxy/config'

/** Where the descriptions start: two columns behind the longest flag. */
const DESCRIPTION_COLUMN = 22

/** The help; it fits a terminal of 80 columns and 40 lines. */
export function helpText(): string {
  return `Runs any program on a tailnet, without root and without installing Tailscale.

Usage: tailproxy [flags] [run] COMMAND [ARGUMENT…]   run COMMAND on the tailnet
       tailproxy [flags]                             serve SOCKS5 (foreground)
       tailproxy lab                                 start a private tailnet
       tailproxy lab run -- COMMAND [ARGUMENT…]      run COMMAND on its own lab

Flags stand before the command; one dash works as well as two.
${flagLines().join('\n')}

Each flag has its variable, as TAILPROXY_CONTROL_URL for --control-url (except
TAILPROXY_SOCKS_PORT for --port and TAILPROXY_LOG for --verbose).

Examples:
  tailproxy curl http://peer/
  tailproxy -hostname=laptop psql -h database
  tailproxy lab run -- curl http://hello/

Exit status: the command's; 125 if TailProxy fails, 126 if the command cannot be
executed, 127 if it is not found.
`
}

function flagLines(): string[] {
  return [
    ...Object.values(settings).map(flagLine),
    flagLine({
      flag: 'config',
      placeholder: 'FILE',
      help: 'read settings from FILE (JSON, comments allowed)',
    }),
    flagLine({ flag: 'json', help: 'with lab or without a command: report as JSON' }),
    '  -h, --help          show this',
    '  -V, --version       show the version',
  ]
}

function flagLine(setting: Pick<Setting<unknown>, 'flag' | 'placeholder' | 'help'>): string {
  const { flag, placeholder, help } = setting
  const usage = placeholder ? `  --${flag} ${placeholder}` : `  --${flag}`
  return `${usage.padEnd(DESCRIPTION_COLUMN)}${help}`
}
