import process from 'node:process'
import type { RawSettings, RawValue } from './raw-settings.ts'
import type { Setting } from './setting.ts'
import { type SettingName, settingNames, settings } from './settings.ts'

export interface SettingSources {
  /** The text of each flag that was given. */
  flags?: Partial<Record<SettingName, string>>
  /** @default process.env */
  env?: NodeJS.ProcessEnv
  /** A configuration file. */
  file?: string
}

/** The values that stand in one file. */
type FileValues = (name: SettingName) => RawValue[]

/**
 * Finds what was given, flags before environment before file, and checks none of it. The parser of
 * files is loaded only when there is a file.
 *
 * @throws {ConfigError} naming the file that cannot be read
 */
export async function collectSettings(sources: SettingSources = {}): Promise<RawSettings> {
  const { flags = {}, env = process.env, file } = sources
  const files = file === undefined ? [] : [await readFileValues(file)]
  const raw: RawSettings = {}
  for (const name of settingNames) {
    const said = givenByText(settings[name], flags[name], env)
    const written = files.flatMap((valuesOf) => valuesOf(name))
    const [first, ...covered] = said ? [said, ...written] : written
    if (first) raw[name] = covered.length > 0 ? { ...first, covered } : first
  }
  return raw
}

async function readFileValues(path: string): Promise<FileValues> {
  const { readConfigFile } = await import('./config-file.ts')
  const values = readConfigFile(path)
  return (name) => {
    const { key } = settings[name]
    const origin = { kind: 'file', role: 'config', path, key } as const
    return values.has(name) ? [{ value: values.get(name), origin }] : []
  }
}

function givenByText(
  setting: Setting<unknown>,
  flag: string | undefined,
  env: NodeJS.ProcessEnv,
): RawValue | undefined {
  if (flag !== undefined) {
    return { value: setting.fromText(flag), origin: { kind: 'flag', name: setting.flag } }
  }
  for (const name of setting.variables) {
    const text = env[name]
    // POSIX tools take an empty variable for an unset one.
    if (text) return { value: setting.fromText(text), origin: { kind: 'environment', name } }
  }
  return undefined
}
