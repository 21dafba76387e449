import { ConfigError } from './errors.ts'
import type { RawValue } from './raw-settings.ts'
import { describeOrigin, type Setting } from './setting.ts'

/** Where a value stands, what it is and what is allowed. */
export function unusableValue(setting: Setting<unknown>, given: RawValue): ConfigError {
  const found = setting.secret ? 'of an unusable form' : JSON.stringify(given.value)
  return new ConfigError(
    `${describeOrigin(given.origin)} is ${found}; allowed is ${setting.allowed}`,
  )
}
