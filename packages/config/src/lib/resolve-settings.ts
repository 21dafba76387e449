import { checkSettings, type ResolvedSettings } from './check-settings.ts'
import { collectSettings, type SettingSources } from './collect-settings.ts'

/**
 * Settles each setting: {@link collectSettings}, then {@link checkSettings}.
 *
 * @throws {ConfigError} naming where the value stands, the value and what is allowed
 */
export async function resolveSettings(sources: SettingSources = {}): Promise<ResolvedSettings> {
  return checkSettings(await collectSettings(sources))
}
