import type { LineError } from './line-error.ts'

/** A line that was read: its message, or what is wrong with it. */
export type Parsed<Message> =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly error: LineError }
