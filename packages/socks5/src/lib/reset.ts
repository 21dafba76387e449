import type { Duplex } from 'node:stream'

/** Ends a stream so that its peer cannot take it for a proper end: by RST where there is TCP. */
export function reset(stream: Duplex): void {
  if (stream.destroyed) return
  // A reset stream has nothing more to report that anybody could act on.
  stream.on('error', () => {})
  try {
    if ('resetAndDestroy' in stream && typeof stream.resetAndDestroy === 'function') {
      stream.resetAndDestroy()
      return
    }
  } catch {
    // Unix sockets have the method, too, and throw ERR_INVALID_HANDLE_TYPE.
  }
  stream.destroy()
}
