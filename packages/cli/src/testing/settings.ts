import {
  checkSettings,
  type RawSettings,
  type ResolvedSettings,
  type SettingName,
  settings,
} from '@tailproxy/config'

/** Settings of these flags, and of nothing that this host has. */
export function settingsOfFlags(
  flags: Partial<Record<SettingName, string>> = {},
): ResolvedSettings {
  const raw: RawSettings = {}
  for (const [name, text] of Object.entries(flags) as [SettingName, string][]) {
    const { fromText, flag } = settings[name]
    raw[name] = { value: fromText(text), origin: { kind: 'flag', name: flag } }
  }
  return checkSettings(raw)
}
