import { type Setting, type Settings, settings } from '@tailproxy/config'

const FLAG_COLUMN = 24

/** The help; it fits a screen of 80 columns. */
export function helpText(): string {
  return `Runs any program on a tailnet, without root and without installing Tailscale.

Usage: tailproxy [flags] [run] COMMAND [ARGUMENT…]   run COMMAND on the tailnet
       tailproxy [flags]                             serve SOCKS5 in the foreground
       tailproxy lab                                 start a private tailnet to try
       tailproxy lab run -- COMMAND [ARGUMENT…]      run COMMAND on one of its own

Flags stand before the command; one dash works as well as two.
${flagLines()}
  --config FILE           read settings from FILE (JSON, comments allowed)
  --json                  with lab or without a command: report as JSON
  -h, --help              show this
  -V, --version           show the version

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

function flagLines(): string {
  return Object.keys(settings)
    .map((name) => flagLine(settings[name as keyof Settings]))
    .join('\n')
}

function flagLine(setting: Setting<unknown>): string {
  const usage = `  --${setting.flag}${setting.placeholder ? ` ${setting.placeholder}` : ''}`
  const gap =
    usage.length < FLAG_COLUMN + 1
      ? usage.padEnd(FLAG_COLUMN + 2)
      : `${usage}\n${' '.repeat(FLAG_COLUMN + 2)}`
  return `${gap}${setting.help}`
}
