import path from 'node:path'
import process from 'node:process'
import type { RawSettings } from '@tailproxy/config/collect'
import { sidecarEnvironment, startSession } from '@tailproxy/session/host'
import { MAIN } from './main-file.ts'

/** Files that this command was told to use; the session is to use the same, wherever it runs. */
const CHOSEN_FILES = ['TAILPROXY_SIDECAR', 'TAILPROXY_PRELOAD_LIBRARY']

/** What starts a session in the background for these settings, for whoever finds that none runs. */
export function backgroundStart(
  raw: RawSettings,
  stateDirectory: string,
  signal: AbortSignal,
): () => Promise<void> {
  return () => {
    const port = raw.port?.value
    const env = sidecarEnvironment(process.env, typeof port === 'number' ? { port } : {})
    // What is for this process alone: a debugger's port, for one, cannot be had twice.
    delete env['NODE_OPTIONS']
    for (const name of CHOSEN_FILES) {
      const file = process.env[name]
      if (file) env[name] = path.resolve(file)
    }
    return startSession({
      // Its words are for `ps`; what it is to do comes over its standard input.
      program: [process.execPath, MAIN, 'session', stateDirectory],
      ...{ env, stateDirectory, settings: raw, cwd: process.cwd(), signal },
    })
  }
}
