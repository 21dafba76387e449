import process from 'node:process'
import { type RawSettings, readAuthKey } from '@tailproxy/config'
import { say } from './terminal.ts'

/** Says so when a key was written into the command line. */
export function warnOfShownKey(word: string): void {
  if (word === '' || word === '-' || word.startsWith('file:')) return
  say(
    'others on this host can see the auth key in the command line (ps); file:PATH, - (standard input) and TAILPROXY_AUTHKEY keep it to yourself',
  )
}

/**
 * The settings with the auth key that standard input says, where they say so.
 *
 * @throws {ConfigError} when standard input has none
 */
export async function withGivenAuthKey(
  raw: RawSettings,
  stdin: AsyncIterable<string | Uint8Array> = process.stdin,
): Promise<RawSettings> {
  const { authKey } = raw
  if (authKey?.value !== '-') return raw
  return { ...raw, authKey: { ...authKey, value: await readAuthKey('-', { stdin }) } }
}
