import type { Setting } from './setting.ts'
import { type SettingName, type Settings, settings } from './settings.ts'

const UNITS = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const

/** A value as a file would hold it; of a secret only whether it is set. */
export function settingInFile(name: SettingName, values: Settings): unknown {
  const { secret, isTime }: Setting<unknown> = settings[name]
  const value = values[name]
  if (secret) return value === '' ? '' : '(set)'
  return isTime ? durationText(Number(value)) : value
}

/** Milliseconds, in the largest unit that they are a whole number of. */
function durationText(milliseconds: number): string {
  const [unit, length] = UNITS.find(([, each]) => milliseconds % each === 0) ?? ['ms', 1]
  return milliseconds === 0 ? '0' : `${milliseconds / length}${unit}`
}
