import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser'
import { ConfigError } from './errors.ts'

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
