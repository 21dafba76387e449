import process from 'node:process'
import { givenProfile, type SettingSources } from './collect-settings.ts'
import { type ConfigFile, configFiles } from './config-files.ts'
import { isThere } from './is-there.ts'
import { isProfileName, profileFile } from './profiles.ts'

/**
 * All files that settings are looked for in, those that count most first.
 *
 * @throws {ConfigError} naming the file that cannot be read for the name of the profile
 */
export async function lookedAtFiles(sources: SettingSources = {}): Promise<ConfigFile[]> {
  const files = configFiles(sources)
  const name = (await givenProfile(sources))?.value
  if (!isProfileName(name)) return files
  const path = profileFile(name, sources.env ?? process.env)
  return [{ role: 'profile', path, exists: isThere(path) }, ...files]
}
