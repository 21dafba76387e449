/** Where and as whom the library reaches the session. */
export interface PreloadSettings {
  /** The path from `placeLibrary()`. */
  library: string
  /** A loopback address. */
  host: string
  port: number
  /** RFC 1929 user name of the run. */
  user: string
  /** RFC 1929 password of the run. */
  password: string
  /** Path of the session's dial socket; without it everything goes by SOCKS5. */
  socket?: string
  /** What the dial socket knows the run by. */
  token?: string
  /** Prefixes that the library leaves alone. */
  bypass?: readonly string[]
  /** Refuse what is not the tailnet's. Of a run with a dial socket the session knows by itself. */
  onlyTailnet?: boolean
  verbose?: boolean
  /** How the program's listeners are told of; without it they are the host's as ever. */
  exports?: PreloadExports
}

export interface PreloadExports {
  /** Path of the run's control socket: docs/control-protocol.md. */
  control: string
  /** Tell of what is bound to a loopback address by name, too. @default false */
  loopback?: boolean
  /** Fail `listen()` when an export is refused. @default false */
  strict?: boolean
  /** Show the tailnet's peer in `accept()` and `getpeername()`. @default true */
  showPeers?: boolean
}

/** The library's own variables; all others of the program's environment are kept. */
export const PRELOAD_VARIABLES: readonly string[] = [
  'TAILPROXY_HOST',
  'TAILPROXY_PORT',
  'TAILPROXY_VERBOSE',
  'TAILPROXY_PRELOAD_USER',
  'TAILPROXY_PRELOAD_PASSWORD',
  'TAILPROXY_SOCK',
  'TAILPROXY_TOKEN',
  // Never set here: the library's exec hooks name a descriptor of the process by it.
  'TAILPROXY_FD',
  'TAILPROXY_BYPASS',
  'TAILPROXY_ONLY_TAILNET',
  'TAILPROXY_EXPORT_LISTENERS',
  'TAILPROXY_CONTROL_SOCK',
  'TAILPROXY_EXPORT_LOOPBACK',
  'TAILPROXY_EXPORT_STRICT',
  'TAILPROXY_EXPORT_PEERS',
]

/**
 * The environment in which a program is captured: `base` with LD_PRELOAD and the library's
 * variables. A LD_PRELOAD that is there already is kept, behind ours.
 */
export function preloadEnvironment(
  settings: PreloadSettings,
  base: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const env = { ...base }
  for (const name of PRELOAD_VARIABLES) delete env[name]
  const others = (base['LD_PRELOAD'] ?? '').split(/[ :]+/).filter(isForeignLibrary)
  return {
    ...env,
    LD_PRELOAD: [settings.library, ...others].join(':'),
    TAILPROXY_HOST: settings.host,
    TAILPROXY_PORT: String(settings.port),
    TAILPROXY_PRELOAD_USER: settings.user,
    TAILPROXY_PRELOAD_PASSWORD: settings.password,
    ...(settings.socket && settings.token
      ? { TAILPROXY_SOCK: settings.socket, TAILPROXY_TOKEN: settings.token }
      : {}),
    ...(settings.bypass?.length ? { TAILPROXY_BYPASS: settings.bypass.join(',') } : {}),
    ...(settings.onlyTailnet ? { TAILPROXY_ONLY_TAILNET: '1' } : {}),
    ...(settings.verbose ? { TAILPROXY_VERBOSE: '1' } : {}),
    ...(settings.exports ? exportVariables(settings.exports) : {}),
  }
}

function exportVariables({ control, loopback, strict, showPeers = true }: PreloadExports) {
  return {
    TAILPROXY_EXPORT_LISTENERS: '1',
    TAILPROXY_CONTROL_SOCK: control,
    ...(loopback ? { TAILPROXY_EXPORT_LOOPBACK: '1' } : {}),
    ...(strict ? { TAILPROXY_EXPORT_STRICT: '1' } : {}),
    ...(showPeers ? {} : { TAILPROXY_EXPORT_PEERS: '0' }),
  }
}

/** `base` without anything of the library: for our own children, which must not be captured. */
export function withoutPreload(base: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const env = { ...base }
  for (const name of PRELOAD_VARIABLES) delete env[name]
  const others = (base['LD_PRELOAD'] ?? '').split(/[ :]+/).filter(isForeignLibrary)
  if (others.length > 0) env['LD_PRELOAD'] = others.join(':')
  else delete env['LD_PRELOAD']
  return env
}

function isForeignLibrary(library: string): boolean {
  return library !== '' && !/\/libtailproxy(-[0-9a-f]+)?\.so$/.test(library)
}
