export { collectSettings, givenProfile, type SettingSources } from './lib/collect-settings.ts'
export type { ConfigFile } from './lib/config-files.ts'
export { ConfigError } from './lib/errors.ts'
export { nearestOf } from './lib/nearest.ts'
export { listProfiles, profileFile } from './lib/profiles.ts'
export type { RawSetting, RawSettings, RawValue } from './lib/raw-settings.ts'
export {
  describeOrigin,
  type FileRole,
  type GivenOrigin,
  type Origin,
  type Setting,
  type SettingGroup,
} from './lib/setting.ts'
export { settingInFile } from './lib/setting-in-file.ts'
export { type SettingName, type Settings, settingNames, settings } from './lib/settings.ts'
