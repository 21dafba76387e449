export { nearestOf, readConfigFile } from './lib/config-file.ts'
export { ConfigError } from './lib/errors.ts'
export {
  type ResolvedSettings,
  resolveSettings,
  type SettingSources,
} from './lib/resolve-settings.ts'
export { describeOrigin, type Origin, type Setting } from './lib/setting.ts'
export { type SettingName, type Settings, settings } from './lib/settings.ts'
