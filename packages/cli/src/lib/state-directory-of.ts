import process from 'node:process'
import type { Settings } from '@tailproxy/config'
import { defaultStateDirectory } from '@tailproxy/session'

/** Where the node of these settings keeps its state: as they say, else where its profile has it. */
export function stateDirectoryOf({ stateDir, controlUrl, profile }: Settings): string {
  return stateDir || defaultStateDirectory(controlUrl, process.env, profile)
}
