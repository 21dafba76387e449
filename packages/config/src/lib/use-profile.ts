import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { applyEdits, modify } from 'jsonc-parser'
import { type ConfigFile, type ConfigFileSources, configFiles } from './config-files.ts'
import { readConfigText } from './config-text.ts'
import { ConfigError } from './errors.ts'
import { isThere } from './is-there.ts'
import { parseConfig } from './jsonc.ts'
import { isProfileName, profileFile, unknownProfile } from './profiles.ts'
import { settings } from './settings.ts'

/**
 * Writes the profile to be used from now on into the user file (or the one that stands in for it),
 * and leaves all else in it alone. The file is the old one or the new one, never a part.
 *
 * @param name undefined for none
 * @returns the file that was written
 * @throws {ConfigError} when there is no such profile, or the file cannot be read or written
 */
export function useProfile(name: string | undefined, sources: ConfigFileSources = {}): string {
  const { env = process.env } = sources
  if (name !== undefined) checkProfile(name, env)
  const file = userFile(sources)
  if (!file) throw new ConfigError('HOME is not set, so there is no user file; set it')
  // A link to a file kept elsewhere stays one.
  const target = isThere(file.path) ? realPath(file.path) : undefined
  const before = target ? readConfigText(target, file.role) : '{}\n'
  // A key that is taken away takes the comments around it with it, and '' is none as well.
  const wanted = name ?? ''
  const after = profileIn(file, before) === wanted ? before : withProfile(before, wanted)
  if (profileIn(file, after) !== wanted) {
    throw new ConfigError(`${file.path}: "profile" stands there twice; edit it by hand`)
  }
  if (after !== before) write(target ?? file.path, after)
  return file.path
}

function checkProfile(name: string, env: NodeJS.ProcessEnv): void {
  const asked = `the profile to use is ${JSON.stringify(name)}`
  if (!isProfileName(name)) {
    throw new ConfigError(`${asked}; allowed is ${settings.profile.allowed}`)
  }
  if (!isThere(profileFile(name, env))) throw unknownProfile(name, asked, env)
}

function profileIn(file: ConfigFile, text: string): unknown {
  const { profile = '' } = parseConfig(file.path, text) as { profile?: unknown }
  return profile
}

function userFile(sources: ConfigFileSources): ConfigFile | undefined {
  return configFiles(sources).find(({ role }) => role !== 'project')
}

function realPath(file: string): string {
  try {
    return realpathSync(file)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new ConfigError(`cannot read the configuration file ${file}: ${code}`, { cause })
  }
}

function withProfile(text: string, name: string): string {
  const formattingOptions = { insertSpaces: !/^\t/m.test(text), tabSize: 2 }
  // In front, where neither a comma nor a comment at the end is in the way.
  const options = { formattingOptions, getInsertionIndex: () => 0 }
  return applyEdits(text, modify(text, [settings.profile.key], name, options))
}

function write(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    writeWhole(temporary, text)
    renameSync(temporary, file)
  } catch (cause) {
    rmSync(temporary, { force: true })
    const { code } = cause as NodeJS.ErrnoException
    throw new ConfigError(`cannot write ${file}: ${code}; it is as it was`, { cause })
  }
}

/** On the disk before it takes the old one's place. */
function writeWhole(file: string, text: string): void {
  rmSync(file, { force: true })
  const handle = openSync(file, 'wx', 0o600)
  try {
    fchmodSync(handle, 0o600)
    writeFileSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
