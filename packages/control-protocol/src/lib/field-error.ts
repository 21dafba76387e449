import type { Parsed } from './parsed.ts'

/** A message that was to be written has a field that no line can carry. */
export class FieldError extends Error {
  override readonly name = 'FieldError'
  readonly code = 'ERR_CONTROL_PROTOCOL_FIELD'
  /** The field, as `port`. */
  readonly field: string

  constructor(field: string, found: string, allowed: string, options?: ErrorOptions) {
    super(`a control line cannot carry the ${field} ${found}; give ${allowed}`, options)
    this.field = field
  }
}

/**
 * The line of these words with its newline, if the other side could read it.
 * @throws {FieldError} if it could not
 */
export function checkedLine<Message>(
  words: readonly (string | number | bigint)[],
  parse: (line: Uint8Array) => Parsed<Message>,
): string {
  const line = words.join(' ')
  const parsed = parse(new TextEncoder().encode(line))
  if (parsed.ok) return `${line}\n`
  const { code, found, allowed } = parsed.error
  throw new FieldError(code, found, allowed)
}
