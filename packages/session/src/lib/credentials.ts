import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** 16 random bytes: RFC 1929 takes up to 255, document 001 asks for 32 hexadecimal digits. */
const CREDENTIAL_BYTES = 16

export function createCredential(): string {
  return randomBytes(CREDENTIAL_BYTES).toString('hex')
}

/** Who may use the SOCKS5 listener: a user name for each run, and for the foreground server. */
export class Credentials {
  readonly #digests = new Map<string, Buffer>()
  // What an unknown user's password is compared with, so that a user's existence has no timing.
  readonly #nobody = digest(createCredential())

  add(user: string, password: string): void {
    this.#digests.set(user, digest(password))
  }

  delete(user: string): void {
    this.#digests.delete(user)
  }

  has(user: string): boolean {
    return this.#digests.has(user)
  }

  /** Whether the password is the user's, in a time that depends on neither. */
  verify(user: string, password: string): boolean {
    const expected = this.#digests.get(user)
    const equal = timingSafeEqual(digest(password), expected ?? this.#nobody)
    return equal && expected !== undefined
  }
}

/** Digests are of one length, as timingSafeEqual wants them. */
function digest(password: string): Buffer {
  return createHash('sha256').update(password).digest()
}
