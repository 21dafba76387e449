import type { Duplex } from 'node:stream'
import { reset } from './reset.ts'

/**
 * Copies both ways, with back-pressure, until both ways have ended: the end of one way is passed on
 * and leaves the other open, a reset of one stream resets the other.
 * @returns what broke it, `undefined` when both ways came to a proper end
 */
export function splice(near: Duplex, far: Duplex): Promise<Error | undefined> {
  return new Promise((resolve) => {
    let broken = near.errored ?? far.errored ?? undefined
    let open = 2
    for (const [stream, other] of [
      [near, far],
      [far, near],
    ] as const) {
      stream.on('error', (error) => {
        broken ??= error
      })
      const closed = () => {
        if (!(stream.readableEnded && stream.writableFinished)) reset(other)
        open -= 1
        if (open === 0) resolve(broken)
      }
      if (stream.closed) closed()
      else stream.once('close', closed)
      stream.pipe(other)
    }
  })
}
