import { checkedLine } from './field-error.ts'
import {
  type Family,
  type FamilyV1,
  readAddress,
  readFamily,
  readFamilyV1,
  readId,
  readPid,
  readPort,
  readSocket,
  readVersion,
} from './fields.ts'
import { type LineError, lineError } from './line-error.ts'
import { asciiWords, wordCountError } from './line-text.ts'
import type { Parsed } from './parsed.ts'

/** The first line of a client that speaks version 2 or higher. */
export interface ClientHello {
  readonly type: 'hello'
  /** The highest version that the client speaks, 2 to 4294967295. */
  readonly version: number
  /** The client's process id, 1 to 2147483647. */
  readonly pid: number
}

interface LineV1 {
  readonly version: 1
  readonly family: FamilyV1
  /** 1 to 65535. */
  readonly port: number
}

interface LineV2 {
  readonly version: 2
  /** Comes back in the answer, 1 to 4294967295; with 0 no answer is wanted. */
  readonly id: number
  readonly family: Family
  /** What the socket is bound to, as `canonicalAddress` spells it. */
  readonly address: string
  /** 1 to 65535. */
  readonly port: number
  /** `SO_COOKIE`, up to 2 ** 64 - 1; 0n when it is not known. */
  readonly socket: bigint
}

/** One listener more. */
export interface ListenV1 extends LineV1 {
  readonly type: 'listen'
}

/** One `LISTEN` less. */
export interface CloseV1 extends LineV1 {
  readonly type: 'close'
}

/** A socket listens. */
export interface ListenV2 extends LineV2 {
  readonly type: 'listen'
}

/** A descriptor of the socket was closed: see whether it is still somebody's. */
export interface CloseV2 extends LineV2 {
  readonly type: 'close'
}

export type ClientMessage = ClientHello | ListenV1 | CloseV1 | ListenV2 | CloseV2

/**
 * Reads one line of a client, without its newline. It knows only this line: a reader
 * (`createClientLineReader`) sees to it that HELLO comes first and to which version is spoken.
 */
export function parseClientLine(line: Uint8Array, version: 1 | 2): Parsed<ClientMessage> {
  const split = asciiWords(line)
  if ('error' in split) return { ok: false, error: split.error }
  const [command = ''] = split.words
  switch (command) {
    case 'HELLO':
      return parseHello(split.words)
    case 'LISTEN':
    case 'CLOSE': {
      const type = command === 'LISTEN' ? 'listen' : 'close'
      return version === 1 ? parseV1(type, split.words) : parseV2(type, split.words)
    }
    default:
      return failed(lineError('command', command, 'LISTEN, CLOSE, or HELLO as the first line'))
  }
}

function parseHello(words: readonly string[]): Parsed<ClientHello> {
  const [, versionWord = '', pidWord = ''] = words
  if (words.length !== 3) return failed(wordCountError(words, 'HELLO VERSION PID'))
  const version = readVersion(versionWord)
  if ('error' in version) return failed(version.error)
  const pid = readPid(pidWord)
  if ('error' in pid) return failed(pid.error)
  return { ok: true, message: { type: 'hello', version: version.value, pid: pid.value } }
}

function parseV1(type: 'listen' | 'close', words: readonly string[]): Parsed<ListenV1 | CloseV1> {
  const [command, familyWord = '', portWord = ''] = words
  if (words.length !== 3) return failed(wordCountError(words, `${command} FAMILY PORT`))
  const family = readFamilyV1(familyWord)
  if ('error' in family) return failed(family.error)
  const port = readPort(portWord)
  if ('error' in port) return failed(port.error)
  return { ok: true, message: { type, version: 1, family: family.value, port: port.value } }
}

function parseV2(type: 'listen' | 'close', words: readonly string[]): Parsed<ListenV2 | CloseV2> {
  const [command, idWord = '', familyWord = '', addressWord = '', portWord = '', socketWord = ''] =
    words
  if (words.length !== 6) {
    return failed(wordCountError(words, `${command} ID FAMILY ADDRESS PORT SOCKET`))
  }
  const id = readId(idWord)
  if ('error' in id) return failed(id.error)
  const family = readFamily(familyWord)
  if ('error' in family) return failed(family.error)
  const address = readAddress(addressWord, family.value)
  if ('error' in address) return failed(address.error)
  const port = readPort(portWord)
  if ('error' in port) return failed(port.error)
  const socket = readSocket(socketWord)
  if ('error' in socket) return failed(socket.error)
  const listener = { family: family.value, address: address.value, port: port.value }
  return {
    ok: true,
    message: { type, version: 2, id: id.value, ...listener, socket: socket.value },
  }
}

function failed(error: LineError): { ok: false; error: LineError } {
  return { ok: false, error }
}

/** The line of a message, with its newline. @throws {FieldError} for what no line can carry */
export function encodeClientMessage(message: ClientMessage): string {
  if (message.type === 'hello') {
    return checkedLine(['HELLO', message.version, message.pid], (line) => parseClientLine(line, 2))
  }
  const command = message.type === 'listen' ? 'LISTEN' : 'CLOSE'
  const { family, port } = message
  const words =
    message.version === 1
      ? [command, family, port]
      : [command, message.id, family, message.address, port, message.socket]
  return checkedLine(words, (line) => parseClientLine(line, message.version))
}
