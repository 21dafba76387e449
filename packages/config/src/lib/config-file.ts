import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser'
import { ConfigError } from './errors.ts'
import { nearestOf } from './nearest.ts'
import { checkProjectFile } from './project-file.ts'
import type { FileRole, Setting } from './setting.ts'
import { type SettingName, settingNames, settings } from './settings.ts'

/** Names the JSON Schema of the file, for editors. */
const SCHEMA_KEY = '$schema'

/**
 * Reads a configuration file: JSON, comments and trailing commas allowed.
 *
 * @returns the values by setting; not yet checked
 * @throws {ConfigError} naming the file, and the place or key in it
 */
export function readConfigFile(path: string, role: FileRole = 'config'): Map<SettingName, unknown> {
  const value = parseConfig(path, readConfigText(path, role))
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

/** @throws {ConfigError} naming the place at which the text is no JSON, or none of a file of settings */
export function parseConfig(path: string, content: string): object {
  const value = parseJson(path, content)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(`${path}: the file must hold one object, as {"hostname": "laptop"}`)
  }
  return value
}

function parseJson(path: string, content: string): unknown {
  const errors: ParseError[] = []
  let value: unknown
  try {
    value = parse(content, errors, { allowTrailingComma: true })
  } catch (cause) {
    // The parser calls itself for each level.
    if (!(cause instanceof RangeError)) throw cause
    throw new ConfigError(`${path}: the file is nested too deeply`, { cause })
  }
  const [error] = errors
  if (!error) return value
  const before = content.slice(0, error.offset).split('\n')
  const at = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`
  throw new ConfigError(
    `${path}: ${printParseErrorCode(error.error)} at ${at}; the file must be JSON (comments are allowed)`,
  )
}

/** @throws {ConfigError} when it cannot be read, or is a project file of somebody else */
export function readConfigText(path: string, role: FileRole): string {
  let file: number | undefined
  try {
    // Whoever left a pipe in a directory we pass shall not make us wait for what comes through it.
    const flags = role === 'project' ? constants.O_NONBLOCK : 0
    file = openSync(path, constants.O_RDONLY | flags)
    if (role === 'project') checkProjectFile(path, fstatSync(file))
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '')
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    throw new ConfigError(`cannot read the configuration file ${path}: ${whyUnread(cause)}`, {
      cause,
    })
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function whyUnread(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EACCES':
      return 'permission denied'
    case 'EISDIR':
      return 'it is a directory'
    default:
      return String(code)
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
