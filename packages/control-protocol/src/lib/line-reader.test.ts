import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answers, hellos, linesV1, linesV2, piecesOf } from '../testing/arbitraries.ts'
import { encodeClientMessage } from './client-message.ts'
import { createClientLineReader, createServerLineReader } from './line-reader.ts'
import { encodeServerMessage } from './server-message.ts'

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

const message = (each: { ok: boolean; message?: unknown }) => each.message
const errorCode = (each: { ok: boolean; error?: { code: string } }) => each.error?.code

describe('a reader of clients', () => {
  test('speaks version 1 when the first line is no HELLO', () => {
    fc.assert(
      fc.property(fc.array(linesV1), (messages) => {
        const reader = createClientLineReader()
        const read = reader.push(bytesOf(messages.map(encodeClientMessage).join('')))
        expect(read.map(message)).toEqual(messages)
        expect(reader.version).toBe(1)
      }),
    )
  })

  test('speaks version 2 from a HELLO on, whichever higher version that offers', () => {
    fc.assert(
      fc.property(hellos, fc.array(linesV2), (hello, messages) => {
        const reader = createClientLineReader()
        const read = reader.push(bytesOf([hello, ...messages].map(encodeClientMessage).join('')))
        expect(read.map(message)).toEqual([hello, ...messages])
        expect(reader.version).toBe(2)
      }),
    )
  })

  test('takes no HELLO but on the first line, even behind a line that was none', () => {
    const later = createClientLineReader()
    expect(later.push(bytesOf('\nHELLO 2 1\n')).map(errorCode)).toEqual(['command', 'order'])
    expect(later.version).toBe(1)
    const again = createClientLineReader()
    expect(again.push(bytesOf('HELLO 2 1\nHELLO 2 1\n')).map(errorCode)).toEqual([
      undefined,
      'order',
    ])
    expect(again.version).toBe(2)
  })

  test('goes on after lines that are none', () => {
    const read = createClientLineReader().push(bytesOf('LISTEN tcp4 0\n\xff\nCLOSE tcp4 80\n'))
    expect(read.map(errorCode)).toEqual(['port', 'character', undefined])
    expect(read.map(message)[2]).toMatchObject({ type: 'close', port: 80 })
  })

  test('tells of a line that is too long before its end, and skips to that', () => {
    const reader = createClientLineReader()
    expect(reader.push(bytesOf('x'.repeat(511)))).toEqual([])
    expect(reader.push(bytesOf('x')).map(errorCode)).toEqual(['line-too-long'])
    expect(reader.push(bytesOf('x'.repeat(100_000)))).toEqual([])
    expect(reader.push(bytesOf('\nLISTEN tcp4 80\n')).map(message)).toMatchObject([{ port: 80 }])
  })

  test('takes a line that just fits', () => {
    const read = createClientLineReader().push(bytesOf(`${'x'.repeat(511)}\n`))
    expect(read.map(errorCode)).toEqual(['command'])
  })

  test('takes an unfinished line for none', () => {
    expect(createClientLineReader().push(bytesOf('LISTEN tcp4 80'))).toEqual([])
  })

  test('is not moved by a caller that writes over the bytes it gave', () => {
    const reader = createClientLineReader()
    const bytes = bytesOf('LISTEN tcp4 ')
    reader.push(bytes)
    bytes.fill(0)
    expect(reader.push(bytesOf('80\n')).map(message)).toMatchObject([{ port: 80 }])
  })
})

describe('a reader of servers', () => {
  test('reads a HELLO and then the answers', () => {
    fc.assert(
      fc.property(fc.array(answers), (messages) => {
        const all = [{ type: 'hello', version: 2 } as const, ...messages]
        const read = createServerLineReader().push(bytesOf(all.map(encodeServerMessage).join('')))
        expect(read.map(message)).toEqual(all)
      }),
    )
  })

  test('takes nothing ahead of the HELLO, and no second one', () => {
    expect(createServerLineReader().push(bytesOf('OK 1\n')).map(errorCode)).toEqual(['order'])
    const read = createServerLineReader().push(bytesOf('HELLO 2\nHELLO 2\nOK 1\n'))
    expect(read.map(errorCode)).toEqual([undefined, 'order', undefined])
  })
})

// Lines that are right, nearly right, and noise with newlines in it.
const streams = fc
  .array(
    fc.oneof(
      fc.oneof(hellos, linesV1, linesV2).map((each) => bytesOf(encodeClientMessage(each))),
      answers.map((each) => bytesOf(encodeServerMessage(each))),
      fc.uint8Array({ maxLength: 40 }),
      fc.constant(bytesOf('\n')),
      fc.nat(1200).map((length) => new Uint8Array(length).fill(0x41)),
    ),
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])))

describe.for([
  ['clients', createClientLineReader],
  ['servers', createServerLineReader],
] satisfies [string, () => { push(bytes: Uint8Array): unknown[] }][])(
  'a reader of %s',
  ([, create]) => {
    const createReader: () => { push(bytes: Uint8Array): unknown[] } = create

    test('reads the same however the bytes are cut up', () => {
      fc.assert(
        fc.property(streams, fc.array(fc.nat()), (bytes, cuts) => {
          const reader = createReader()
          const whole = createReader().push(bytes)
          expect(piecesOf(bytes, cuts).flatMap((piece) => reader.push(piece))).toEqual(whole)
          const single = createReader()
          expect([...bytes].flatMap((byte) => single.push(Uint8Array.of(byte)))).toEqual(whole)
        }),
      )
    })

    test('says of each line just one thing', () => {
      fc.assert(
        fc.property(streams, (bytes) => {
          const lines = bytes.filter((byte) => byte === 0x0a).length
          const tail = bytes.length - 1 - bytes.lastIndexOf(0x0a)
          // What is longer than a line can be is told of before its newline.
          expect(createReader().push(bytes).length).toBe(lines + (tail >= 512 ? 1 : 0))
        }),
      )
    })
  },
)
