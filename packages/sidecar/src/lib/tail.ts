import type { Readable } from 'node:stream'

/** Keeps the last `limit` bytes that `stream` says, and reads all of it so that it never blocks. */
export function keepTail(stream: Readable, limit: number): { text: () => string } {
  let tail = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]).subarray(-limit)
  })
  return { text: () => tail.toString('utf8') }
}
