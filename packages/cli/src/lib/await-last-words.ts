import { setImmediate as nextTurn } from 'node:timers/promises'
import { readSessionFile, SessionClient } from '@tailproxy/session/host'

/**
 * Waits until all that the session says of a run so far has come: it is said before an answer to a
 * later question.
 *
 * @param file the session's
 */
export async function awaitLastWords(file: string): Promise<void> {
  const socket = readSessionFile(file)?.socket
  if (socket === undefined) return
  try {
    await new SessionClient(socket).status()
  } catch {
    // It has ended, and said so.
  }
  // Both may have come at once, and this one been looked at first.
  await nextTurn()
}
