import process from 'node:process'
import { checkSettings, type RawSettings } from '@tailproxy/config'
import { SessionAwayError, SessionHost, sidecarEnvironment } from '@tailproxy/session/host'
import { findSidecar } from '@tailproxy/sidecar'
import { keepLibrary } from './library.ts'

export interface HostChoices {
  signal: AbortSignal
  /** Whether the control server is a lab. */
  lab?: boolean
  /** A socket that listens already, in place of one of the session's own. */
  listenDescriptor?: number | undefined
}

/** Does `work` with a session in this process, and takes all of it down whatever comes. */
export async function withHost<T>(
  raw: RawSettings,
  { signal, lab = false, listenDescriptor }: HostChoices,
  work: (host: SessionHost) => Promise<T>,
): Promise<T> {
  const resolved = checkSettings(raw)
  const { port } = resolved.values
  const host = await SessionHost.open({
    resolved,
    cwd: process.cwd(),
    sidecar: findSidecar(),
    env: sidecarEnvironment(process.env, { port, lab }),
    signal,
    placeLibrary: keepLibrary(),
    ...(listenDescriptor === undefined ? {} : { listenDescriptor }),
  })
  try {
    return await work(host)
  } catch (error) {
    // It ended under the work, whose connection cannot tell why.
    if (error instanceof SessionAwayError && host.closing.aborted) throw host.closing.reason
    throw error
  } finally {
    await host.close()
  }
}
