import {
  checkSettings,
  type RawSettings,
  type ResolvedSettings,
  type SettingName,
  settings,
} from '@tailproxy/config'

type Flags = Partial<Record<SettingName, string>>

/** Settings of these flags, and of nothing that this host has. */
export function settingsOfFlags(flags: Flags = {}): ResolvedSettings {
  return checkSettings(settingsGiven(flags))
}

/** What these flags give, not checked. */
export function settingsGiven(flags: Flags): RawSettings {
  const raw: RawSettings = {}
  for (const [name, text] of Object.entries(flags) as [SettingName, string][]) {
    const { fromText, flag } = settings[name]
    raw[name] = { value: fromText(text), origin: { kind: 'flag', name: flag } }
  }
  return raw
}
