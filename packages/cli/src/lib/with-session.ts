import type { ResolvedSettings } from '@tailproxy/config'
import type { Session } from '@tailproxy/session'
import { openSession } from './open-session.ts'
import { serveTo } from './serve-session.ts'

/** Does `work` in a session that other commands of the user can find, and takes all of it down whatever comes. */
export async function withSession<T>(
  resolved: ResolvedSettings,
  options: { signal: AbortSignal; lab?: boolean },
  work: (session: Session, file: string) => Promise<T>,
): Promise<T> {
  const { session, stateDirectory } = await openSession(resolved, options)
  try {
    const served = await serveTo(session, stateDirectory, resolved.values)
    try {
      return await work(session, served.file)
    } finally {
      await served.close()
    }
  } finally {
    await session.close()
  }
}
