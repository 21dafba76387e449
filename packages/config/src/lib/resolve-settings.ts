import { readConfigFile } from './config-file.ts'
import { ConfigError } from './errors.ts'
import { describeOrigin, type Origin, type Setting } from './setting.ts'
import { type SettingName, type Settings, settings } from './settings.ts'

export interface SettingSources {
  /** The text of each flag that was given. */
  flags?: Partial<Record<SettingName, string>>
  /** @default process.env */
  env?: NodeJS.ProcessEnv
  /** A configuration file. */
  file?: string
}

export interface ResolvedSettings {
  values: Settings
  origins: Record<SettingName, Origin>
}

/**
 * Settles each setting: flags before environment before file before default.
 *
 * @throws {ConfigError} naming where the value stands, the value and what is allowed
 */
export function resolveSettings(sources: SettingSources): ResolvedSettings {
  const { flags = {}, env = process.env, file } = sources
  const inFile = file === undefined ? new Map<SettingName, unknown>() : readConfigFile(file)
  const values: Partial<Record<SettingName, unknown>> = {}
  const origins: Partial<Record<SettingName, Origin>> = {}
  for (const name of Object.keys(settings) as SettingName[]) {
    const setting: Setting<unknown> = settings[name]
    const [value, origin] = pick(name, setting, flags, env, inFile, file)
    values[name] = origin.kind === 'default' ? setting.default : check(setting, value, origin)
    origins[name] = origin
    if (file !== undefined && inFile.has(name)) {
      // A mistake in the file is a mistake even while a flag covers it.
      check(setting, inFile.get(name), { kind: 'file', path: file, key: setting.key })
    }
  }
  return { values: values as Settings, origins: origins as Record<SettingName, Origin> }
}

function pick(
  name: SettingName,
  setting: Setting<unknown>,
  flags: Partial<Record<SettingName, string>>,
  env: NodeJS.ProcessEnv,
  inFile: ReadonlyMap<SettingName, unknown>,
  path = '',
): [unknown, Origin] {
  const flag = flags[name]
  if (flag !== undefined) return [setting.fromText(flag), { kind: 'flag', name: setting.flag }]
  for (const variable of setting.variables) {
    const text = env[variable]
    // POSIX tools take an empty variable for an unset one.
    if (text) return [setting.fromText(text), { kind: 'environment', name: variable }]
  }
  if (inFile.has(name)) return [inFile.get(name), { kind: 'file', path, key: setting.key }]
  return [undefined, { kind: 'default' }]
}

function check(setting: Setting<unknown>, value: unknown, origin: Origin): unknown {
  const parsed = setting.schema.safeParse(value)
  if (parsed.success) return parsed.data
  const found = setting.secret ? 'of an unusable form' : JSON.stringify(value)
  throw new ConfigError(`${describeOrigin(origin)} is ${found}; allowed is ${setting.allowed}`)
}
