import { AUTHENTICATION_VERSION } from './constants.ts'
import type { Decoded } from './decoded.ts'
import { CredentialsError, VersionError } from './errors.ts'
import { concat, utf8Decode, utf8Encode } from './octets.ts'

/**
 * The client's message of RFC 1929 section 2. The RFC names no charset: this is UTF-8.
 */
export interface Credentials {
  /** 1 to 255 bytes. */
  username: string
  /** 0 to 255 bytes; RFC 1929 has 1 as the least, clients in use (curl, Go) send 0 as well. */
  password: string
}

/** @throws {CredentialsError} for lengths out of range or text that UTF-8 cannot carry */
export function encodeCredentials({ username, password }: Credentials): Uint8Array {
  const name = field('Username', username)
  if (name.length === 0) throw new CredentialsError('Username is empty')
  const secret = field('Password', password)
  const lengthOf = (part: Uint8Array) => Uint8Array.of(part.length)
  const version = Uint8Array.of(AUTHENTICATION_VERSION)
  return concat(version, lengthOf(name), name, lengthOf(secret), secret)
}

/**
 * @throws {VersionError} as soon as the first byte is not 1
 * @throws {CredentialsError} for an empty username, or bytes that are not UTF-8
 */
export function decodeCredentials(bytes: Uint8Array): Decoded<Credentials> {
  const [version, nameLength] = bytes
  if (version !== undefined && version !== AUTHENTICATION_VERSION) {
    throw new VersionError(version, AUTHENTICATION_VERSION)
  }
  // A password's length is part of every message: three octets are sure before the first is read.
  if (nameLength === undefined) return { done: false, needed: 3 - bytes.length }
  const nameEnd = 2 + nameLength
  const secretLength = bytes[nameEnd]
  if (secretLength === undefined) return { done: false, needed: nameEnd + 1 - bytes.length }
  const consumed = nameEnd + 1 + secretLength
  if (bytes.length < consumed) return { done: false, needed: consumed - bytes.length }
  if (nameLength === 0) throw new CredentialsError('Username is empty')
  const username = utf8Decode(bytes.subarray(2, nameEnd))
  const password = utf8Decode(bytes.subarray(nameEnd + 1, consumed))
  if (username === undefined || password === undefined) {
    throw new CredentialsError('Username or password is not UTF-8')
  }
  return { done: true, message: { username, password }, consumed }
}

function field(what: string, text: string): Uint8Array {
  const bytes = utf8Encode(text)
  if (bytes === undefined) throw new CredentialsError(`${what} has a lone surrogate`)
  if (bytes.length > 255) throw new CredentialsError(`${what} has ${bytes.length} bytes`)
  return bytes
}
