import path from 'node:path'
import { type ResolvedSettings, readAuthKey } from '@tailproxy/config'

/**
 * The key to log in with, from the file that the settings name if they do.
 *
 * @throws {ConfigError} when it cannot be read, or others can read it
 */
export function authKeyOf({ values, origins }: ResolvedSettings): Promise<string> {
  const origin = origins.authKey
  // A path in a file is relative to it.
  const from = origin.kind === 'file' ? path.dirname(origin.path) : undefined
  return readAuthKey(values.authKey, from === undefined ? {} : { from })
}
