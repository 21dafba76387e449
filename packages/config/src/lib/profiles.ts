import { readdirSync } from 'node:fs'
import path from 'node:path'
import { configDirectory } from './config-directory.ts'
import { ConfigError } from './errors.ts'
import { nearestOf } from './nearest.ts'

/** A single component of a path, and one that `ls` shows; none is called "none". */
export const PROFILE_NAME = /^(?!none$)[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/

export function isProfileName(name: unknown): name is string {
  return typeof name === 'string' && PROFILE_NAME.test(name)
}

/** @throws {ConfigError} when neither XDG_CONFIG_HOME nor HOME says where profiles are */
export function profileFile(name: string, env: NodeJS.ProcessEnv): string {
  return path.join(profilesDirectory(env), `${name}.json`)
}

/** The names of all profiles, sorted. Files that no name can mean are passed over. */
export function listProfiles(env: NodeJS.ProcessEnv): string[] {
  const directory = configDirectory(env)
  if (directory === undefined) return []
  return filesIn(path.join(directory, 'profiles'))
    .flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -'.json'.length)] : []))
    .filter(isProfileName)
    .sort()
}

/** @param asked who asks for it, as `--profile is "wrok"` */
export function unknownProfile(name: string, asked: string, env: NodeJS.ProcessEnv): ConfigError {
  const names = listProfiles(env)
  const nearest = nearestOf(name, names)
  const hint = nearest
    ? `did you mean "${nearest}"?`
    : names.length > 0
      ? `there are ${names.join(', ')}`
      : 'there are no profiles yet: write that file to make one'
  return new ConfigError(`${asked}, but there is no ${profileFile(name, env)}; ${hint}`)
}

function profilesDirectory(env: NodeJS.ProcessEnv): string {
  const directory = configDirectory(env)
  if (directory !== undefined) return path.join(directory, 'profiles')
  throw new ConfigError('HOME is not set, so there is no place for profiles; set it')
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw new ConfigError(`cannot list the profiles in ${directory}: ${code}`, { cause })
  }
}
