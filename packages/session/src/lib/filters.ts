import path from 'node:path'
import {
  ConfigError,
  describeOrigin,
  type ResolvedSettings,
  type SettingName,
} from '@tailproxy/config'
import {
  createFilterChain,
  createPortFilter,
  type Filter,
  type FilterChain,
  PortSpecError,
  parsePortSet,
} from '@tailproxy/port-filter'
import { loadFilters } from '@tailproxy/port-filter/load'

export interface FiltersOptions {
  /** What a plugin's path is relative to, unless a file names it. */
  cwd: string
  /** Told of a plugin that failed, and so denied. */
  onFailure: (message: string) => void
}

/**
 * What the settings say of who may reach what: lists of ports, of users and tags, and plugins.
 *
 * @throws {ConfigError} naming the setting whose ports cannot be read
 * @throws {FilterLoadError} naming the plugin that cannot be loaded
 */
export async function filtersOf(
  resolved: ResolvedSettings,
  { cwd, onFailure }: FiltersOptions,
): Promise<FilterChain> {
  const { values } = resolved
  const filters: Filter[] = []
  const allow = portsOf(resolved, 'exportAllowPorts')
  const deny = portsOf(resolved, 'exportDenyPorts')
  if (allow !== undefined || deny !== undefined) filters.push(createPortFilter({ allow, deny }))
  const { exportUsers: users, exportTags: tags } = values
  if (users.length > 0 || tags.length > 0) {
    filters.push({ name: 'users and tags', static: { inbound: { users, tags } } })
  }
  const plugins = await loadFilters(values.filters, { from: directoryOf(resolved, cwd) })
  return createFilterChain([...filters, ...plugins], {
    onFailure: ({ message }) => onFailure(message),
  })
}

/** A list that is not given is undefined; one that was given empty is a mistake, and no "all". */
function portsOf({ values, origins }: ResolvedSettings, name: SettingName): string | undefined {
  const ports = String(values[name])
  const origin = origins[name]
  // A file of the format this one continues has "" for no list.
  if (origin.kind === 'default' || (origin.kind === 'file' && ports === '')) return undefined
  try {
    parsePortSet(ports)
    return ports
  } catch (cause) {
    if (!(cause instanceof PortSpecError)) throw cause
    throw new ConfigError(`${describeOrigin(origin)}: ${cause.message}`, { cause })
  }
}

/** A plugin's path is relative to what names it. */
function directoryOf({ origins }: ResolvedSettings, cwd: string): string {
  const origin = origins.filters
  return origin.kind === 'file' ? path.dirname(path.resolve(origin.path)) : cwd
}
