export { collectSettings, type SettingSources } from './lib/collect-settings.ts'
export { ConfigError } from './lib/errors.ts'
export { nearestOf } from './lib/nearest.ts'
export type { RawSetting, RawSettings, RawValue } from './lib/raw-settings.ts'
export {
  describeOrigin,
  type FileRole,
  type GivenOrigin,
  type Origin,
  type Setting,
  type SettingGroup,
} from './lib/setting.ts'
export { type SettingName, type Settings, settingNames, settings } from './lib/settings.ts'
