import type { GivenOrigin } from './setting.ts'
import type { SettingName } from './settings.ts'

/** A value as it was given, not yet checked: what JSON can hold. */
export interface RawValue {
  value: unknown
  origin: GivenOrigin
}

export interface RawSetting extends RawValue {
  /** Values in files that this one goes before. A mistake there is a mistake all the same. */
  covered?: RawValue[]
}

/** What was given, by setting; one that is missing has its default. The same after a round trip through JSON. */
export type RawSettings = Partial<Record<SettingName, RawSetting>>
