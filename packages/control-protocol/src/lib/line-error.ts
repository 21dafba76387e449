/** The contract: a code never changes its meaning, the texts may. */
export type LineErrorCode =
  /** More than `MAX_LINE_BYTES`. */
  | 'line-too-long'
  /** A byte that is not printable ASCII (in a reason: a control character). */
  | 'character'
  /** A reason that is not UTF-8. */
  | 'encoding'
  /** The first word is not one that this side of this version sends. */
  | 'command'
  /** Too few words or too many, or more than one space between two. */
  | 'words'
  /** A HELLO that is not the first line, or a first line that had to be HELLO. */
  | 'order'
  /** The word of that name is not one of those allowed. */
  | 'version'
  | 'pid'
  | 'id'
  | 'family'
  | 'address'
  | 'port'
  | 'socket'
  | 'code'
  | 'reason'

/** Why a line is none. A value, not an exception: a stranger wrote the line. */
export interface LineError {
  readonly code: LineErrorCode
  /** What stands there, at most 64 characters, all printable ASCII: other bytes show as `\xNN`. */
  readonly found: string
  /** What may stand there, for people. */
  readonly allowed: string
}

const MAX_FOUND = 64

export function lineError(
  code: LineErrorCode,
  found: string | Uint8Array,
  allowed: string,
): LineError {
  const bytes = typeof found === 'string' ? new TextEncoder().encode(found) : found
  let text = ''
  for (const byte of bytes) {
    // Terminals obey what they are shown, so nothing of a stranger's is shown as it is.
    const next = isPrintable(byte) ? String.fromCharCode(byte) : `\\x${hex(byte)}`
    if (text.length + next.length > MAX_FOUND) return { code, found: cut(text), allowed }
    text += next
  }
  return { code, found: text, allowed }
}

function cut(text: string): string {
  return `${text.slice(0, MAX_FOUND - 3)}...`
}

/** 0x20 to 0x7e: what all of a line but a reason is made of. */
export function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte <= 0x7e
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

/** One sentence on it, printable ASCII, short enough for the reason of a `REFUSED`. */
export function describeLineError({ code, found, allowed }: LineError): string {
  return `${code}: found "${found}", allowed is ${allowed}`
}
