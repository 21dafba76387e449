import type { Settings } from '@tailproxy/config'
import {
  removeSessionFile,
  type Session,
  type SessionServer,
  serveSession,
  writeSessionFile,
} from '@tailproxy/session'
import { exportOptions } from './export-options.ts'

export interface ServedSession {
  /** For TAILPROXY_SESSION. */
  file: string
  close(): Promise<void>
}

/** Lets other commands of the user find the session and ask it. */
export async function serveTo(
  session: Session,
  stateDirectory: string,
  settings: Settings,
): Promise<ServedSession> {
  const server: SessionServer = await serveSession(
    {
      status: () => session.status(),
      exports: () => session.exports(),
      export: (target) => session.exporter(exportOptions(settings)).add(target),
      unexport: (port) => session.unexport(port),
    },
    session.socketPath,
  )
  try {
    const file = writeSessionFile(stateDirectory, { ...settings, socket: session.socketPath })
    return {
      file,
      async close() {
        removeSessionFile(file)
        await server.close()
      },
    }
  } catch (error) {
    await server.close()
    throw error
  }
}
