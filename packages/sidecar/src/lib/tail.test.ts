import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { keepTail } from './tail.ts'

test('keeps the last bytes, and no more, of what a stream says', async () => {
  const stream = Readable.from([Buffer.from('one '), Buffer.from('two '), Buffer.from('three')])
  const tail = keepTail(stream, 9)
  await finished(stream)
  expect(tail.text()).toBe('two three')
})

test('says nothing of a stream that said nothing', () => {
  expect(keepTail(Readable.from([]), 9).text()).toBe('')
})
