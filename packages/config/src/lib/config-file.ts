import { readFileSync } from 'node:fs'
import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser'
import { ConfigError } from './errors.ts'
import { nearestOf } from './nearest.ts'
import { type SettingName, settings } from './settings.ts'

/**
 * Keys of the file format this one continues whose features this version lacks, with the one
 * value that asks for nothing. Another value is refused: dropped in silence, traffic meant for an
 * exit node would leave from the host.
 */
const WITHOUT_EFFECT: Record<string, readonly unknown[]> = {
  exit_node: [''],
}

/**
 * Reads a configuration file: JSON, comments and trailing commas allowed.
 *
 * @returns the values by setting; not yet checked
 * @throws {ConfigError} naming the file, and the place or key in it
 */
export function readConfigFile(path: string): Map<SettingName, unknown> {
  const content = readText(path)
  const value = parseJson(path, content)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(`${path}: the file must hold one object, as {"hostname": "laptop"}`)
  }
  const found = new Map<SettingName, unknown>()
  for (const [key, entry] of Object.entries(value)) {
    const name = nameOf(key)
    if (name) found.set(name, entry)
    else refuseUnlessWithoutEffect(path, key, entry)
  }
  return found
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

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EACCES'
          ? 'permission denied'
          : code === 'EISDIR'
            ? 'it is a directory'
            : String(code)
    throw new ConfigError(`cannot read the configuration file ${path}: ${why}`, { cause })
  }
}

function nameOf(key: string): SettingName | undefined {
  for (const [name, setting] of Object.entries(settings)) {
    if (setting.key === key) return name as SettingName
  }
  return undefined
}

function refuseUnlessWithoutEffect(path: string, key: string, value: unknown): void {
  const harmless = Object.hasOwn(WITHOUT_EFFECT, key) ? WITHOUT_EFFECT[key] : undefined
  if (!harmless) {
    const keys = Object.values(settings).map((setting) => setting.key)
    const nearest = nearestOf(key, keys)
    const hint = nearest ? `did you mean "${nearest}"?` : `allowed are ${keys.join(', ')}`
    throw new ConfigError(`${path}: unknown key ${JSON.stringify(key)}; ${hint}`)
  }
  if (harmless.length > 0 && !harmless.includes(value)) {
    throw new ConfigError(
      `${path}: "${key}" is ${JSON.stringify(value)}, but this version does not have that feature; remove the key or set it to ${JSON.stringify(harmless[0])}`,
    )
  }
}
