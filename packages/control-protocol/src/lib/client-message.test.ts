import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hellos, linesV1, linesV2 } from '../testing/arbitraries.ts'
import { encodeClientMessage, parseClientLine } from './client-message.ts'
import { MAX_LINE_BYTES } from './line-splitter.ts'

function bytesOf(line: string): Uint8Array {
  return new TextEncoder().encode(line)
}

test('every message comes back from its line as it was', () => {
  fc.assert(
    fc.property(fc.oneof(hellos, linesV1, linesV2), (message) => {
      const line = encodeClientMessage(message)
      expect(line.length).toBeLessThanOrEqual(MAX_LINE_BYTES)
      const version = message.type === 'hello' ? 1 : message.version === 1 ? 1 : 2
      const parsed = parseClientLine(bytesOf(line.slice(0, -1)), version)
      expect(parsed).toEqual({ ok: true, message })
    }),
  )
})

test('nothing makes the parser throw, and what it refuses has a code', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.constantFrom(1, 2), (bytes, version) => {
      const parsed = parseClientLine(bytes, version)
      if (!parsed.ok) expect(parsed.error.code).toMatch(/^[a-z-]+$/)
    }),
  )
})

test('is written as document 000 has it', () => {
  expect(encodeClientMessage({ type: 'listen', version: 1, family: 'tcp4', port: 8000 })).toBe(
    'LISTEN tcp4 8000\n',
  )
})

test.for([
  [{ type: 'hello', version: 1, pid: 1 }, 'version'],
  [{ type: 'hello', version: 2, pid: 0 }, 'pid'],
  [{ type: 'listen', version: 1, family: 'tcp4', port: 80.5 }, 'port'],
  [{ type: 'close', version: 1, family: 'tcp6', port: Number.NaN }, 'port'],
] as const)('does not write a line of %o', ([message, field]) => {
  expect(() => encodeClientMessage(message)).toThrow(
    expect.objectContaining({ code: 'ERR_CONTROL_PROTOCOL_FIELD', field }),
  )
})

test('does not write a second line by a field of the first', () => {
  const address = '0.0.0.0 1 1\nLISTEN 2 tcp4 0.0.0.0'
  const listener = { id: 1, family: 'tcp4', address, port: 80, socket: 0n } as const
  expect(() => encodeClientMessage({ type: 'listen', version: 2, ...listener })).toThrow(
    expect.objectContaining({ code: 'ERR_CONTROL_PROTOCOL_FIELD' }),
  )
})
