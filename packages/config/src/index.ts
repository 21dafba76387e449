export * from './collect.ts'
export { checkSettings, parseRawSettings, type ResolvedSettings } from './lib/check-settings.ts'
export { readConfigFile } from './lib/config-file.ts'
export { resolveSettings } from './lib/resolve-settings.ts'
