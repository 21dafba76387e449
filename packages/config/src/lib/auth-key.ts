import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import path from 'node:path'
import { KEY_FILE_PREFIX, KEY_FROM_STDIN } from './auth-key-word.ts'
import { ConfigError } from './errors.ts'

/** Bytes. A key of Tailscale has about 60, an OAuth client secret 70. */
const MAX_KEY = 4096

export interface AuthKeyOptions {
  /** Where `-` reads from; without it, `-` is an error. */
  stdin?: AsyncIterable<string | Uint8Array>
  /** The directory that a relative path is in: that of the file which names it. */
  from?: string
}

/**
 * The key that the setting `authKey` means: what stands in a file or on standard input, else the
 * word itself. No error shows any of it.
 *
 * @throws {ConfigError} when it cannot be read, is empty, too long or no single word, or when
 *   others than its owner can read the file
 */
export async function readAuthKey(word: string, options: AuthKeyOptions = {}): Promise<string> {
  if (word === KEY_FROM_STDIN) {
    if (options.stdin) return keyOf(await readLine(options.stdin), 'standard input')
    throw new ConfigError(
      'the auth key is to be read from standard input, which this command passes on; use tailproxy login --authkey=-, or file:PATH',
    )
  }
  if (!word.startsWith(KEY_FILE_PREFIX)) return word
  const file = path.resolve(options.from ?? '', word.slice(KEY_FILE_PREFIX.length))
  return keyOf(readKeyFile(file), file)
}

function keyOf(text: string, where: string): string {
  const key = text.trim()
  if (key === '') throw new ConfigError(`there is no auth key in ${where}: it is empty`)
  if (text.length > MAX_KEY || /\s/.test(key)) {
    throw new ConfigError(`there is no auth key in ${where}: it holds more than one word`)
  }
  return key
}

/** Up to the end of a line, so that it can be typed too. */
async function readLine(stdin: AsyncIterable<string | Uint8Array>): Promise<string> {
  let text = ''
  for await (const part of stdin) {
    text += typeof part === 'string' ? part : Buffer.from(part).toString('latin1')
    if (text.includes('\n') || text.length > MAX_KEY) break
  }
  return text.split('\n', 1)[0] ?? ''
}

function readKeyFile(path: string): string {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    checkKeyFile(path, fstatSync(file))
    const bytes = Buffer.alloc(MAX_KEY + 1)
    let length = 0
    for (;;) {
      const read = readSync(file, bytes, length, bytes.length - length, null)
      length += read
      if (read === 0 || length === bytes.length) return bytes.toString('latin1', 0, length)
    }
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : String(code)
    throw new ConfigError(`cannot read the auth key in ${path}: ${why}`, { cause })
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function checkKeyFile(path: string, { mode }: Stats): void {
  if ((mode & 0o044) === 0) return
  throw new ConfigError(
    `others can read the auth key in ${path} (mode ${(mode & 0o777).toString(8).padStart(4, '0')}); chmod 600 it`,
  )
}
