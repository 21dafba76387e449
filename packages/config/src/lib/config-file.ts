import { readConfigText } from './config-text.ts'
import { ConfigError } from './errors.ts'
import { nearestOf } from './nearest.ts'
import type { FileRole, Setting } from './setting.ts'
import { type SettingName, settingNames, settings } from './settings.ts'

/** Names the JSON Schema of the file, for editors. */
const SCHEMA_KEY = '$schema'

/** Characters. In fewer nothing is nested deeply. */
const LONG = 4096

/**
 * Reads a configuration file: JSON, comments and trailing commas allowed.
 *
 * @returns the values by setting; not yet checked
 * @throws {ConfigError} naming the file, and the place or key in it
 */
export async function readConfigFile(
  path: string,
  role: FileRole = 'config',
): Promise<Map<SettingName, unknown>> {
  const text = readConfigText(path, role)
  const value = parsePlain(text) ?? (await import('./jsonc.ts')).parseConfig(path, text)
  const found = new Map<SettingName, unknown>()
  for (const [key, entry] of Object.entries(value)) {
    if (key === SCHEMA_KEY) continue
    const name = nameOf(key)
    if (!name) throw unknownKey(path, key)
    refuseByRole(path, role, settings[name], entry)
    found.set(name, entry)
  }
  return found
}

/** An object in JSON without comments, for which no parser has to be loaded. */
function parsePlain(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    // Nested more deeply than others can follow? Half a text of brackets is.
    if (text.length > LONG) JSON.stringify(value)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

function nameOf(key: string): SettingName | undefined {
  return settingNames.find((name) => settings[name].key === key)
}

function unknownKey(path: string, key: string): ConfigError {
  const keys = Object.values(settings).map((setting) => setting.key)
  const nearest = nearestOf(key, keys)
  const hint = nearest ? `did you mean "${nearest}"?` : `allowed are ${keys.join(', ')}`
  return new ConfigError(`${path}: unknown key ${JSON.stringify(key)}; ${hint}`)
}

/** Not every file may say everything. */
function refuseByRole(
  path: string,
  role: FileRole,
  { key, guarded }: Setting<unknown>,
  value: unknown,
): void {
  if (role === 'profile' && key === settings.profile.key) {
    throw new ConfigError(`${path}: "${key}" stands in the user file only; remove it`)
  }
  if (role === 'project' && guarded && !guarded.unless?.(value)) {
    throw new ConfigError(
      `${path}: "${key}" is not for a project file${guarded.unless ? ' with this value' : ''}: it ${guarded.why}; set it in the user file, a profile or a flag`,
    )
  }
}
