import { isDeepStrictEqual } from 'node:util'
import {
  describeOrigin,
  type ResolvedSettings,
  type Settings,
  settingNames,
  settings,
} from '@tailproxy/config'

/** What a command may say for itself: a key helps where there is none, and the others led it here. */
const ITS_OWN: ReadonlySet<string> = new Set(['authKey', 'stateDir', 'profile', 'foreground'])

/** What a command can change while the session runs. */
const CHOSEN: ReadonlySet<string> = new Set(['exitNode', 'exitNodeLanAccess'])

/**
 * Why a command cannot join a session, if it wants another node than that is. What it does not say
 * is as the session has it.
 *
 * @param exitNodeIsChosen that was the last word on it; only a flag of this command is a later one
 */
export function conflictOf(
  wanted: ResolvedSettings,
  had: Settings,
  exitNodeIsChosen: boolean,
): string | undefined {
  for (const name of settingNames) {
    const origin = wanted.origins[name]
    if (settings[name].scope !== 'session' || origin.kind === 'default' || ITS_OWN.has(name)) {
      continue
    }
    if (exitNodeIsChosen && CHOSEN.has(name) && origin.kind !== 'flag') continue
    const [want, have] = [wanted.values[name], had[name]]
    if (isDeepStrictEqual(want, have)) continue
    const instead = CHOSEN.has(name)
      ? 'switch it for all with tailproxy exit-node set'
      : 'end that session first (tailproxy down)'
    return `${describeOrigin(origin)} is ${shown(want)}, but the session that runs has ${shown(have)}; drop it, ${instead}, or name another --state-dir`
  }
  return undefined
}

/** As it is written in a flag. */
function shown(value: unknown): string {
  const text = Array.isArray(value) ? value.join(',') : value
  return text === '' ? 'none' : JSON.stringify(text)
}
