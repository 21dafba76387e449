import type { RawSettings, Settings } from '@tailproxy/config/collect'

// What a command and a session say to each other about a run, as in docs/session-api.md. A command
// that is started in milliseconds has no time for a schema library: it trusts its own user's session.

/** The settings that a command needs to know as they were understood. */
export type RunSettings = Pick<
  Settings,
  | 'allowUnwrapped'
  | 'bypass'
  | 'exportLoopback'
  | 'exportPeers'
  | 'exportStrict'
  | 'onlyTailnet'
  | 'verbose'
>

export interface JoinRequest {
  /** For people. */
  command: readonly string[]
  pid: number
  /** What relative paths of plugins start at. */
  cwd: string
  /** The ELF file that will be executed. */
  program?: string
  settings: RawSettings
  /** The foreground SOCKS5 server asks for the user that document has always had. */
  user?: 'tsnet'
}

/** What programs of a run need to use the session. */
export interface RunAccess {
  host: string
  port: number
  user: string
  password: string
  socket: string
  token: string
  control?: string
}

export interface RunJoined {
  event: 'joined'
  run: string
  /** The path of the session's file, for `TAILPROXY_SESSION`. */
  session: string
  access: RunAccess
  /** Where the session has placed the preload library, if it knows one. */
  library?: string | undefined
  /** Whether the program has file capabilities, with which ld.so ignores LD_PRELOAD. */
  fileCapabilities: boolean
  dials: { tarpit: 'both' | 'ipv4' | 'none'; detail?: string | undefined }
  node: { name: string; addresses: string[] }
  settings: RunSettings
}

export interface RunWaits {
  event: 'state'
  state: string
  detail?: string
  url?: string
}

/** The node is up, for who waited for that alone. */
export interface SessionReady {
  event: 'ready'
  node: { name: string; addresses: string[] }
}

export type RunEvent =
  | RunWaits
  | RunJoined
  | SessionReady
  | { event: 'said'; message: string }
  | { event: 'down'; reason: string }
  | { event: 'up' }
  | { event: 'refused'; code: string; message: string }
  | { event: 'ended'; message: string }
