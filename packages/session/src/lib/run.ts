import type { Exporter } from '@tailproxy/exporter'
import type { FilterChain } from '@tailproxy/port-filter'
import type { RunPolicy } from '@tailproxy/sidecar'
import type { ExportOptions } from './export-options.ts'

/** Who may use the session: by SOCKS5 with user and password, by the dial socket with the token. */
export interface Run {
  id: string
  /** RFC 1929 user name. */
  user: string
  /** RFC 1929 password: 32 hexadecimal digits. */
  password: string
  /** 32 hexadecimal digits. */
  token: string
  /** Where its programs tell of their listeners, if those are exported. */
  control?: string
  exporter?: Exporter
}

/** What the session's node does for one run. Whether flows are asked about, the filters say. */
export type Policy = Omit<RunPolicy, 'ask'>

export interface RunOptions {
  /** Have the run's listeners served to the tailnet. */
  exports?: ExportOptions | undefined
  /** In place of the session's. Disposed of with the run. */
  filters?: FilterChain | undefined
}
