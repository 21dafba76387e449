import { type ClientMessage, parseClientLine } from './client-message.ts'
import { lineError } from './line-error.ts'
import { LineSplitter } from './line-splitter.ts'
import type { Parsed } from './parsed.ts'
import { parseServerLine, type ServerMessage } from './server-message.ts'

/** What a server reads a client with. */
export interface ClientLineReader {
  /**
   * Whatever lines these bytes complete, in order. Never throws; what is no line is an error in its
   * place, and the next line is read as ever. An unfinished line at the end of a connection is none.
   */
  push(bytes: Uint8Array): Parsed<ClientMessage>[]
  /** 2 from a HELLO on the first line on, whatever higher version that offered. */
  readonly version: 1 | 2
}

/** What a client reads a server with. */
export interface ServerLineReader {
  /** As that of `ClientLineReader`. */
  push(bytes: Uint8Array): Parsed<ServerMessage>[]
}

/** Reads a client's lines, by version 2 if the first of them is HELLO, else by version 1. */
export function createClientLineReader(): ClientLineReader {
  const splitter = new LineSplitter()
  let version: 1 | 2 = 1
  let isFirst = true

  function read(line: Uint8Array): Parsed<ClientMessage> {
    const parsed = parseClientLine(line, version)
    if (!parsed.ok || parsed.message.type !== 'hello') return parsed
    if (!isFirst) return { ok: false, error: lineError('order', line, 'HELLO as the first line') }
    version = 2
    return parsed
  }

  return {
    push(bytes) {
      return pushLines(splitter, bytes, (line) => {
        const parsed = read(line)
        isFirst = false
        return parsed
      })
    },
    get version() {
      return version
    },
  }
}

/** Reads a server's lines, of which HELLO has to be the first. */
export function createServerLineReader(): ServerLineReader {
  const splitter = new LineSplitter()
  let isFirst = true

  function read(line: Uint8Array): Parsed<ServerMessage> {
    const parsed = parseServerLine(line)
    if (!parsed.ok || (parsed.message.type === 'hello') === isFirst) return parsed
    return { ok: false, error: lineError('order', line, 'HELLO as the first line and only there') }
  }

  return {
    push(bytes) {
      return pushLines(splitter, bytes, (line) => {
        const parsed = read(line)
        isFirst = false
        return parsed
      })
    },
  }
}

/** A line that is too long reaches `read` cut to that length, which is enough to be refused. */
function pushLines<Message>(
  splitter: LineSplitter,
  bytes: Uint8Array,
  read: (line: Uint8Array) => Parsed<Message>,
): Parsed<Message>[] {
  const lines: Parsed<Message>[] = []
  const take = (line: Uint8Array) => lines.push(read(line))
  splitter.push(bytes, take, take)
  return lines
}
