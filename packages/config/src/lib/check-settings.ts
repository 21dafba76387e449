import { z } from 'zod'
import { ConfigError } from './errors.ts'
import type { RawSettings, RawValue } from './raw-settings.ts'
import type { Origin } from './setting.ts'
import { schemas } from './setting-schemas.ts'
import { type SettingName, type Settings, settingNames, settings } from './settings.ts'
import { unusableValue } from './unusable-value.ts'

export interface ResolvedSettings {
  values: Settings
  origins: Record<SettingName, Origin>
}

/**
 * Checks what was given and fills in defaults.
 *
 * @throws {ConfigError} naming where the value stands, the value and what is allowed
 */
export function checkSettings(raw: RawSettings): ResolvedSettings {
  const values: Partial<Record<SettingName, unknown>> = {}
  const origins: Partial<Record<SettingName, Origin>> = {}
  for (const name of settingNames) {
    const given = raw[name]
    values[name] = given ? check(name, given) : settings[name].default
    origins[name] = given?.origin ?? { kind: 'default' }
    for (const covered of given?.covered ?? []) check(name, covered)
  }
  return { values: values as Settings, origins: origins as Record<SettingName, Origin> }
}

function check(name: SettingName, given: RawValue): unknown {
  const parsed = schemas[name].safeParse(given.value)
  if (parsed.success) return parsed.data
  throw unusableValue(settings[name], given)
}

const origin = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('flag'), name: z.string() }),
  z.strictObject({ kind: z.literal('environment'), name: z.string() }),
  z.strictObject({
    kind: z.literal('file'),
    role: z.enum(['profile', 'project', 'user', 'config']),
    path: z.string(),
    key: z.string(),
  }),
])

const rawValue = z.strictObject({
  // A member that is missing would pass for unknown.
  value: z.unknown().refine((value) => value !== undefined, 'there is no value'),
  origin,
})

const rawSettings = z.partialRecord(
  z.enum(settingNames as [SettingName, ...SettingName[]]),
  rawValue.extend({ covered: z.array(rawValue).optional() }),
)

/**
 * What another process collected, as it came over JSON. Its values are for {@link checkSettings}.
 *
 * @throws {ConfigError} when it is of another form
 */
export function parseRawSettings(value: unknown): RawSettings {
  const parsed = rawSettings.safeParse(value)
  if (parsed.success) return parsed.data as RawSettings
  const [issue] = parsed.error.issues
  const where = issue?.path.join('.') || 'they'
  throw new ConfigError(
    `these are no settings that were collected by this version: ${where}: ${issue?.message}`,
  )
}
