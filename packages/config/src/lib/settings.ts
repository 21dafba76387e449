import { exportSettings } from './export-settings.ts'
import { nodeSettings } from './node-settings.ts'
import { sessionSettings } from './session-settings.ts'
import { trafficSettings } from './traffic-settings.ts'

/**
 * All there is to set, in the order of the help. Nothing here knows the schemas: a command that
 * only sends its settings to a session starts without the library that checks them.
 */
export const settings = {
  ...nodeSettings,
  ...trafficSettings,
  ...exportSettings,
  ...sessionSettings,
}

export type SettingName = keyof typeof settings

/** Every setting's value. */
export type Settings = { [Name in SettingName]: (typeof settings)[Name]['default'] }

export const settingNames = Object.keys(settings) as SettingName[]
