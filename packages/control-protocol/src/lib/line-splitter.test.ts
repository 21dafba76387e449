import { expect, test } from 'vitest'
import { LineSplitter, MAX_LINE_BYTES } from './line-splitter.ts'

test('hands out no more than a line can have, however much comes without a newline', () => {
  const splitter = new LineSplitter()
  const lengths: number[] = []
  const take = (line: Uint8Array) => lengths.push(line.buffer.byteLength)
  for (let at = 0; at < 1000; at++) splitter.push(new Uint8Array(4096).fill(0x41), take, take)
  splitter.push(Uint8Array.of(0x0a), take, take)
  expect(lengths).toEqual([MAX_LINE_BYTES])
})

test('a line that was handed out is the receiver’s', () => {
  const lines: Uint8Array[] = []
  const splitter = new LineSplitter()
  const text = new TextEncoder().encode('one\ntwo\n')
  splitter.push(
    text,
    (line) => lines.push(line),
    () => {},
  )
  expect(lines.map((line) => new TextDecoder().decode(line))).toEqual(['one', 'two'])
})
