/**
 * What a decoder makes of the bytes so far. A decoder never keeps or changes them: call it again
 * with the same bytes and more.
 */
export type Decoded<T> = Incomplete | Complete<T>

export interface Incomplete {
  done: false
  /** Read at least this many more bytes, 1 or more. Never past the end of the message. */
  needed: number
}

export interface Complete<T> {
  done: true
  message: T
  /** How long the message was. What follows in the input is the caller's. */
  consumed: number
}
