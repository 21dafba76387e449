import {
  ConfigError,
  checkSettings,
  parseRawSettings,
  type ResolvedSettings,
} from '@tailproxy/config'
import { Problem } from './http-routes.ts'
import type { SessionHost } from './session-host.ts'
import { conflictOf } from './settings-conflict.ts'

/**
 * What a command wants of a session, from the settings as it collected them.
 *
 * @throws {Problem} `invalid` when one is none, `other-session` when they are of another session
 */
export async function understand(host: SessionHost, given: unknown): Promise<ResolvedSettings> {
  try {
    const wanted = checkSettings(parseRawSettings(given))
    const conflict = conflictOf(wanted, await host.settings(), host.exitNodeIsChosen)
    if (conflict === undefined) return wanted
    throw new Problem(409, 'other-session', conflict)
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause
    throw new Problem(400, 'invalid', cause.message, { cause })
  }
}
