import type { Socket } from 'node:net'
import {
  type ClientMessage,
  createClientLineReader,
  describeLineError,
  encodeServerMessage,
  type LineError,
  MAX_LINE_BYTES,
  type Parsed,
  type ServerMessage,
} from '@tailproxy/control-protocol'
import type { Clock } from './clock.ts'
import type { Exporter, Owner } from './exporter.ts'
import type { Outcome } from './outcome.ts'

/** Requests of one connection that have no answer yet; with so many it is not read any further. */
const MAX_UNANSWERED = 64

export interface ControlConnectionOptions {
  readonly exporter: Exporter
  readonly run: string | undefined
  /** The process that connected, where that is known. What it says itself (HELLO) goes before. */
  readonly connectedBy: number | undefined
  /** Milliseconds for a client to read what it was answered. */
  readonly unreadTimeout: number
  readonly clock: Clock
  readonly onMalformed: (error: LineError, pid: number | undefined) => void
  readonly onCut: (pid: number | undefined) => void
}

/**
 * Serves one connection, which is one owner. A client is read no faster than it is answered, and
 * not at all while it does not read: what is held for it is a chunk of a socket, and as many answers
 * as there can be requests.
 */
export function serveConnection(socket: Socket, options: ControlConnectionOptions): void {
  const { exporter, run, clock } = options
  const reader = createClientLineReader()
  const lines: Parsed<ClientMessage>[] = []
  let bytes: Uint8Array = new Uint8Array(0)
  let unanswered = 0
  let owner: Owner | undefined
  let pid = options.connectedBy
  let cutTimer: unknown

  function nextLine(): Parsed<ClientMessage> | undefined {
    // By the piece: a chunk of newlines would be as many errors at once.
    while (lines.length === 0 && bytes.length > 0) {
      lines.push(...reader.push(bytes.subarray(0, MAX_LINE_BYTES)))
      bytes = bytes.subarray(MAX_LINE_BYTES)
    }
    return lines.shift()
  }

  function work(): void {
    while (unanswered < MAX_UNANSWERED && !socket.writableNeedDrain && !socket.destroyed) {
      const line = nextLine()
      if (!line) {
        socket.resume()
        return
      }
      take(line)
    }
    socket.pause()
  }

  function take(line: Parsed<ClientMessage>): void {
    if (!line.ok) {
      options.onMalformed(line.error, pid)
      const reason = describeLineError(line.error)
      if (reader.version === 2) answer({ type: 'refused', id: 0, code: 'invalid', reason })
      return
    }
    const { message } = line
    if (message.type === 'hello') {
      pid = message.pid
      owner = exporter.connect({ pid, run })
      answer({ type: 'hello', version: 2 })
      return
    }
    owner ??= exporter.connect({ pid, run })
    unanswered++
    const id = message.version === 2 ? message.id : 0
    const settled: Promise<Outcome | undefined> =
      message.type === 'listen' ? owner.listen(message) : owner.close(message).then(() => undefined)
    void settled.then((outcome) => {
      unanswered--
      if (id !== 0) answer(answerOf(id, outcome))
      work()
    })
  }

  function answer(message: ServerMessage): void {
    if (!socket.writable || socket.write(encodeServerMessage(message))) return
    expectToBeRead()
  }

  function expectToBeRead(): void {
    cutTimer ??= clock.setTimeout(() => {
      options.onCut(pid)
      socket.destroy()
    }, options.unreadTimeout)
  }

  function stopTimer(): void {
    clock.clearTimeout(cutTimer)
    cutTimer = undefined
  }

  socket.on('data', (chunk: Buffer) => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    work()
  })
  socket.on('drain', () => {
    stopTimer()
    work()
  })
  socket.on('end', () => {
    owner?.end()
    // Nobody is left whom the rest could be about.
    lines.length = 0
    bytes = new Uint8Array(0)
    // Node ends our side as well, when the last answer has been read.
    expectToBeRead()
  })
  // 'close' follows, and nobody is there to be told.
  socket.on('error', () => {})
  socket.on('close', () => {
    stopTimer()
    owner?.end()
  })
}

function answerOf(id: number, outcome: Outcome | undefined): ServerMessage {
  if (!outcome || outcome.ok) return { type: 'ok', id }
  return { type: 'refused', id, code: outcome.code, reason: outcome.reason }
}
