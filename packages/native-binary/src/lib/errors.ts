/** There is no such file for this platform, or the environment names one that is none. */
export class NativeBinaryNotFoundError extends Error {
  override readonly name = 'NativeBinaryNotFoundError'
  readonly code = 'ERR_NATIVE_BINARY_NOT_FOUND'
}

/** The file is there, but cannot be used: not executable, cut short, or for another machine. */
export class NativeBinaryUnusableError extends Error {
  override readonly name = 'NativeBinaryUnusableError'
  readonly code = 'ERR_NATIVE_BINARY_UNUSABLE'
  readonly file: string

  constructor(file: string, message: string) {
    super(message)
    this.file = file
  }
}
