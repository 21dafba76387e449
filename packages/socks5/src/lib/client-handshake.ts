import type { Duplex } from 'node:stream'
import type { ClientSession } from './client-session.ts'
import { ExactReader } from './read-exactly.ts'
import type { Reply } from './reply.ts'

/**
 * Runs a client session over a stream and leaves in it what follows the reply.
 * @throws what the session throws, {ClosedError} or the signal's reason
 */
export async function shakeHands(
  stream: Duplex,
  session: ClientSession,
  signal: AbortSignal,
): Promise<Reply> {
  const reader = new ExactReader(stream, signal)
  try {
    stream.write(session.opening)
    let action = session.receive(new Uint8Array(0))
    while (action.type === 'write') {
      if (action.bytes.length > 0) stream.write(action.bytes)
      action = session.receive(await reader.read(action.needed))
    }
    return action.reply
  } finally {
    reader.release()
  }
}
