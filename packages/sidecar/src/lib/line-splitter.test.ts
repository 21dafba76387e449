import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineSplitter } from './line-splitter.ts'

/** Cuts bytes into pieces after each of these lengths, in turn. */
function pieces(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const all: Buffer[] = []
  let at = 0
  for (const length of lengths) {
    all.push(bytes.subarray(at, at + length))
    at += length
  }
  return [...all, bytes.subarray(at)]
}

function split(chunks: readonly Buffer[], limit?: number): string[] {
  const splitter = new LineSplitter(limit)
  return chunks.flatMap((chunk) => [...splitter.push(chunk)])
}

const lines = fc.array(fc.string({ unit: 'grapheme' }).filter((line) => !line.includes('\n')))

test('finds the same lines, however their bytes are cut', () => {
  fc.assert(
    fc.property(lines, fc.array(fc.nat(12)), (all, lengths) => {
      const bytes = Buffer.from(all.map((line) => `${line}\n`).join(''))
      expect(split(pieces(bytes, lengths))).toEqual(all)
    }),
  )
})

test('finds them byte by byte', () => {
  const bytes = Buffer.from('first\n\nzwölf\n')
  expect(split([...bytes].map((byte) => Buffer.of(byte)))).toEqual(['first', '', 'zwölf'])
})

test('keeps an unfinished line for itself', () => {
  const splitter = new LineSplitter()
  expect([...splitter.push(Buffer.from('one\ntw'))]).toEqual(['one'])
  expect([...splitter.push(Buffer.from('o\n'))]).toEqual(['two'])
})

test('takes a line that fills the limit with its newline', () => {
  expect(split([Buffer.from('1234567\n'), Buffer.from('1234567\n')], 8)).toHaveLength(2)
})

test.for([['12345678\n'], ['12345678'], ['1234', '5678'], ['12\n12345678']])(
  'refuses a line over the limit of 8, newline or not: %j',
  (chunks) => {
    expect(() =>
      split(
        chunks.map((chunk) => Buffer.from(chunk)),
        8,
      ),
    ).toThrow(
      expect.objectContaining({ name: 'MessageTooLongError', code: 'ERR_SIDECAR_PROTOCOL' }),
    )
  },
)

test('hands over the lines before one that is too long', () => {
  const found: string[] = []
  const read = () => {
    for (const line of new LineSplitter(8).push(Buffer.from('one\n123456789\n'))) found.push(line)
  }
  expect(read).toThrow(expect.objectContaining({ name: 'MessageTooLongError' }))
  expect(found).toEqual(['one'])
})
