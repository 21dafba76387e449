import { readConfigFile } from './config-file.ts'
import { type ConfigFile, type ConfigFileSources, configFiles, namedFile } from './config-files.ts'
import { isThere } from './is-there.ts'
import { isProfileName, profileFile, unknownProfile } from './profiles.ts'
import type { RawSettings, RawValue } from './raw-settings.ts'
import { describeOrigin, type Setting } from './setting.ts'
import { type SettingName, settingNames, settings } from './settings.ts'
import { unusableValue } from './unusable-value.ts'

export interface SettingSources extends ConfigFileSources {
  /** The text of each flag that was given. */
  flags?: Partial<Record<SettingName, string>>
  /**
   * Whether to look for the files of profile, project and user. Without, only a file that is named
   * is read.
   * @default true
   */
  discover?: boolean
}

/** What one file says of a setting: one value, or none. */
type FileValues = (name: SettingName) => RawValue[]

/**
 * Finds what was given, and checks none of it: flags before environment, before the files of
 * profile, project and user. The parser of files is loaded only for one that is no plain JSON, and
 * `node:process` is not imported on this way: that makes its streams, which takes a millisecond.
 *
 * @throws {ConfigError} naming the file that cannot be read, or the profile that is not there
 */
export async function collectSettings(sources: SettingSources = {}): Promise<RawSettings> {
  const { env = process.env, discover = true } = sources
  const files = await readFiles(sources)
  if (discover) {
    const [profile] = given('profile', sources, files)
    const file = profile && chosenProfile(profile, env)
    if (file) files.unshift(await readFileValues(file))
  }
  const raw: RawSettings = {}
  for (const name of settingNames) {
    const [first, ...covered] = given(name, sources, files)
    if (first) raw[name] = covered.length > 0 ? { ...first, covered } : first
  }
  return raw
}

/**
 * The profile that is asked for, whether there is one of that name or not. What a project file says
 * is nothing to it.
 *
 * @throws {ConfigError} naming the file that cannot be read
 */
export async function givenProfile(sources: SettingSources = {}): Promise<RawValue | undefined> {
  return given('profile', sources, await readFiles(sources, ({ role }) => role !== 'project'))[0]
}

/** What there is besides a profile. */
async function readFiles(
  sources: SettingSources,
  isWanted: (file: ConfigFile) => boolean = () => true,
): Promise<FileValues[]> {
  const { discover = true } = sources
  const named = namedFile(sources)
  const files: FileValues[] = []
  for (const file of discover ? configFiles(sources) : named ? [named] : []) {
    if (file.exists && isWanted(file)) files.push(await readFileValues(file))
  }
  return files
}

/** Every value of a setting, the one that counts first; of flag and variables only that. */
function given(
  name: SettingName,
  { flags = {}, env = process.env }: SettingSources,
  files: readonly FileValues[],
): RawValue[] {
  const said = givenByText(settings[name], flags[name], env)
  const written = files.flatMap((valuesOf) => valuesOf(name))
  return said ? [said, ...written] : written
}

/** @throws {ConfigError} when there is no such profile */
function chosenProfile(given: RawValue, env: NodeJS.ProcessEnv): ConfigFile | undefined {
  const { value: name, origin } = given
  if (name === '') return undefined
  // Before it becomes part of a path.
  if (!isProfileName(name)) throw unusableValue(settings.profile, given)
  const path = profileFile(name, env)
  if (!isThere(path)) throw unknownProfile(name, `${describeOrigin(origin)} is "${name}"`, env)
  return { role: 'profile', path, exists: true }
}

async function readFileValues({ role, path }: ConfigFile): Promise<FileValues> {
  const values = await readConfigFile(path, role)
  return (name) => {
    const { key } = settings[name]
    const origin = { kind: 'file', role, path, key } as const
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
