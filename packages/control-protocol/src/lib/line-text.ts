import { isPrintable, type LineError, lineError } from './line-error.ts'
import { MAX_LINE_BYTES } from './line-splitter.ts'

// ignoreBOM keeps a leading U+FEFF: what was encoded comes back the same.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A line of words of printable ASCII, each after one space. */
export function asciiWords(line: Uint8Array): { words: string[] } | { error: LineError } {
  const tooLong = tooLongError(line)
  if (tooLong) return { error: tooLong }
  const stray = line.find((byte) => !isPrintable(byte))
  if (stray !== undefined) {
    return { error: lineError('character', Uint8Array.of(stray), 'printable ASCII') }
  }
  const words = decoder.decode(line).split(' ')
  // An empty line has no word that could be missing a neighbour: its command is what is wrong.
  if (words.length > 1 && words.includes('')) {
    return { error: lineError('words', line, 'words with one space between two') }
  }
  return { words }
}

/** A line whose last words are for people: UTF-8 without control characters. */
export function utf8Text(line: Uint8Array): { text: string } | { error: LineError } {
  const tooLong = tooLongError(line)
  if (tooLong) return { error: tooLong }
  let text: string
  try {
    text = decoder.decode(line)
  } catch {
    return { error: lineError('encoding', line, 'UTF-8') }
  }
  const control = /\p{Cc}/u.exec(text)
  if (control) return { error: lineError('character', control[0], 'no control character') }
  return { text }
}

function tooLongError(line: Uint8Array): LineError | undefined {
  if (line.length < MAX_LINE_BYTES) return undefined
  return lineError('line-too-long', line, `${MAX_LINE_BYTES} bytes with the newline`)
}

export function wordCountError(words: readonly string[], form: string): LineError {
  return lineError('words', words.join(' '), form)
}
