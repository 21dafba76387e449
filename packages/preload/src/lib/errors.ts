/** No directory of ours could be had from which every user of the program can load the library. */
export class LibraryPlacementError extends Error {
  override readonly name = 'LibraryPlacementError'
  readonly code = 'ERR_PRELOAD_PLACEMENT'
}

/** Why ld.so would run a program without the library. */
export type NotWrappableReason =
  | 'static'
  | 'set-uid'
  | 'set-gid'
  | 'foreign-architecture'
  | 'unreadable'

/** The program would run without the library, and so past TailProxy. */
export class NotWrappableError extends Error {
  override readonly name = 'NotWrappableError'
  readonly code = 'ERR_PRELOAD_NOT_WRAPPABLE'
  readonly reason: NotWrappableReason

  constructor(reason: NotWrappableReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/** The command is nowhere on PATH, or is no file. */
export class CommandNotFoundError extends Error {
  override readonly name = 'CommandNotFoundError'
  readonly code = 'ERR_COMMAND_NOT_FOUND'

  constructor(command: string) {
    super(`${command}: command not found`)
  }
}

/** The command is there, but cannot be executed. */
export class CommandNotExecutableError extends Error {
  override readonly name = 'CommandNotExecutableError'
  readonly code = 'ERR_COMMAND_NOT_EXECUTABLE'

  constructor(command: string, why: string) {
    super(`${command}: ${why}`)
  }
}
