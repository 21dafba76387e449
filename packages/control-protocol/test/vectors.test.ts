import { readFileSync } from 'node:fs'
import {
  type ClientMessage,
  encodeClientMessage,
  encodeServerMessage,
  parseClientLine,
  parseServerLine,
  type ServerMessage,
} from '@tailproxy/control-protocol'
import { expect, test } from 'vitest'

/** The C library's tests read the same file. */
interface Vector {
  name: string
  version: 1 | 2
  side: 'client' | 'server'
  line?: string
  /** In hexadecimal, for what is no text. */
  bytes?: string
  /** `socket` is in decimal. */
  message?: Record<string, unknown>
  error?: string
}

const file = new URL('../vectors/lines.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vector[]

function bytesOf({ line = '', bytes }: Vector): Uint8Array {
  return bytes === undefined ? new TextEncoder().encode(line) : Buffer.from(bytes, 'hex')
}

function messageOf({ message = {} }: Vector): unknown {
  return 'socket' in message ? { ...message, socket: BigInt(String(message['socket'])) } : message
}

test('every vector has a name of its own, and is right or wrong', () => {
  expect(new Set(vectors.map(({ name }) => name)).size).toBe(vectors.length)
  for (const { message, error } of vectors) expect(message === undefined).toBe(error !== undefined)
})

test.for(vectors.filter(({ message }) => message))('$name is read', (vector) => {
  const bytes = bytesOf(vector)
  const parsed =
    vector.side === 'client' ? parseClientLine(bytes, vector.version) : parseServerLine(bytes)
  expect(parsed).toEqual({ ok: true, message: messageOf(vector) })
})

test.for(vectors.filter(({ error }) => error))('$name is refused', (vector) => {
  const bytes = bytesOf(vector)
  const parsed =
    vector.side === 'client' ? parseClientLine(bytes, vector.version) : parseServerLine(bytes)
  expect(parsed).toMatchObject({ ok: false, error: { code: vector.error } })
})

test.for(vectors.filter(({ message }) => message))(
  '$name is written so that it is read',
  (vector) => {
    const message = messageOf(vector)
    if (vector.side === 'client') {
      const line = encodeClientMessage(message as ClientMessage)
      const parsed = parseClientLine(new TextEncoder().encode(line.slice(0, -1)), vector.version)
      expect(parsed).toEqual({ ok: true, message })
    } else {
      expect(encodeServerMessage(message as ServerMessage)).toBe(`${vector.line}\n`)
    }
  },
)
