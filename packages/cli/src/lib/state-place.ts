import process from 'node:process'
import type { RawSettings } from '@tailproxy/config/collect'
import { defaultStateDirectory } from '@tailproxy/session/join'

/**
 * The state directory that settings lead to. They are not checked yet; where they are no such thing,
 * the check says so.
 *
 * @throws {ConfigError} @throws {StateDirectoryError}
 */
export async function statePlace(raw: RawSettings): Promise<string> {
  const [stateDir, controlUrl, profile] = [raw.stateDir, raw.controlUrl, raw.profile].map(
    (given) => given?.value ?? '',
  )
  if (typeof stateDir === 'string' && stateDir !== '') return stateDir
  const isUsual = typeof controlUrl === 'string' && typeof profile === 'string'
  if (isUsual && (controlUrl === '' || URL.canParse(controlUrl))) {
    return defaultStateDirectory(controlUrl, process.env, profile)
  }
  const { checkSettings } = await import('@tailproxy/config')
  const { values } = checkSettings(raw)
  return values.stateDir || defaultStateDirectory(values.controlUrl, process.env, values.profile)
}
