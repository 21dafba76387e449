import path from 'node:path'
import { type ResolvedSettings, readAuthKey } from '@tailproxy/config'

/**
 * The auth key that settings have, or ''. A path in a file is relative to that, another to `cwd`.
 *
 * @throws {ConfigError} when there is none where they say
 */
export function authKeyOf({ values, origins }: ResolvedSettings, cwd: string): Promise<string> {
  const { authKey: origin } = origins
  const from = origin.kind === 'file' ? path.dirname(origin.path) : cwd
  return readAuthKey(values.authKey, { from })
}
