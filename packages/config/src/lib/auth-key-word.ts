import path from 'node:path'

/** Where `--authkey=file:PATH` says that the key is. */
export const KEY_FILE_PREFIX = 'file:'
/** `--authkey=-`: the key is what standard input says. */
export const KEY_FROM_STDIN = '-'

/** Relative to where the command was started: whoever reads the file may be somewhere else. */
export function fromAuthKey(word: string): unknown {
  if (!word.startsWith(KEY_FILE_PREFIX) || word === KEY_FILE_PREFIX) return word
  return `${KEY_FILE_PREFIX}${path.resolve(word.slice(KEY_FILE_PREFIX.length))}`
}
