import { checkedLine } from './field-error.ts'
import { readId } from './fields.ts'
import { type LineError, lineError } from './line-error.ts'
import { MAX_LINE_BYTES } from './line-splitter.ts'
import { utf8Text, wordCountError } from './line-text.ts'
import type { Parsed } from './parsed.ts'

/** The answer to a client's HELLO: the version that both then speak. */
export interface ServerHello {
  readonly type: 'hello'
  readonly version: 2
}

/** Done. */
export interface Ok {
  readonly type: 'ok'
  /** The request's, 1 to 4294967295. */
  readonly id: number
}

/** Not exported. */
export interface Refused {
  readonly type: 'refused'
  /** The request's; 0 for a line that was none. */
  readonly id: number
  readonly code: RefusalCode
  /** For people, in any language; one character at least. */
  readonly reason: string
}

/**
 * `denied`: a filter's word. `limit`: too many exports. `taken`: the tailnet's port is another's.
 * `invalid`: no line of the protocol. `unavailable`: the node is away, or such a listener is not
 * exported here.
 */
export type RefusalCode = 'denied' | 'limit' | 'taken' | 'invalid' | 'unavailable'

export type ServerMessage = ServerHello | Ok | Refused

const CODES: readonly string[] = ['denied', 'limit', 'taken', 'invalid', 'unavailable']

/** Reads one line of a server, without its newline. */
export function parseServerLine(line: Uint8Array): Parsed<ServerMessage> {
  const decoded = utf8Text(line)
  if ('error' in decoded) return failed(decoded.error)
  const { text } = decoded
  if (text.startsWith('REFUSED ')) return parseRefused(text)
  const words = text.split(' ')
  const [command = '', word = ''] = words
  switch (command) {
    case 'HELLO':
      if (words.length !== 2) return failed(wordCountError(words, 'HELLO VERSION'))
      if (word !== '2') return failed(lineError('version', word, '2'))
      return { ok: true, message: { type: 'hello', version: 2 } }
    case 'OK': {
      if (words.length !== 2) return failed(wordCountError(words, 'OK ID'))
      const id = readId(word, 1)
      if ('error' in id) return failed(id.error)
      return { ok: true, message: { type: 'ok', id: id.value } }
    }
    case 'REFUSED':
      return failed(wordCountError(words, 'REFUSED ID CODE REASON'))
    default:
      return failed(lineError('command', command, 'HELLO, OK or REFUSED'))
  }
}

function parseRefused(text: string): Parsed<Refused> {
  const [, idWord = '', code = '', ...rest] = text.split(' ')
  if (rest.length === 0) return failed(lineError('words', text, 'REFUSED ID CODE REASON'))
  const id = readId(idWord)
  if ('error' in id) return failed(id.error)
  if (!isRefusalCode(code)) return failed(lineError('code', code, CODES.join(', ')))
  const reason = rest.join(' ')
  if (reason === '') return failed(lineError('reason', reason, 'one character at least'))
  return { ok: true, message: { type: 'refused', id: id.value, code, reason } }
}

function isRefusalCode(word: string): word is RefusalCode {
  return CODES.includes(word)
}

function failed(error: LineError): { ok: false; error: LineError } {
  return { ok: false, error }
}

/**
 * The line of a message, with its newline. A reason is fitted into it, for it is anybody's text:
 * control characters become spaces, an empty one becomes the code, and what is too long is cut.
 * @throws {FieldError} for an id or a code that no line can carry
 */
export function encodeServerMessage(message: ServerMessage): string {
  switch (message.type) {
    case 'hello':
      return checkedLine(['HELLO', message.version], parseServerLine)
    case 'ok':
      return checkedLine(['OK', message.id], parseServerLine)
    case 'refused': {
      const { id, code } = message
      const room = MAX_LINE_BYTES - `REFUSED ${id} ${code} \n`.length
      return checkedLine(['REFUSED', id, code, fit(message.reason || code, room)], parseServerLine)
    }
  }
}

/** As much of the text as goes into so many bytes of UTF-8. */
function fit(text: string, room: number): string {
  const target = new Uint8Array(Math.max(room, 0))
  const clean = text.replaceAll(/\p{Cc}/gu, ' ')
  const { written } = new TextEncoder().encodeInto(clean, target)
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(target.subarray(0, written))
}
