import { z } from 'zod'
import { Count, Empty, RunId } from './fields.ts'

// What is left of wrapped commands, as in docs/sidecar-channel.md.

export const RunStatus = z.strictObject({
  run: RunId,
  /** Those with a channel of the dial socket; a family that has but a bootstrap counts as one. */
  processes: Count,
  flows: Count,
  /** SOCKS5 clients whose dial is under way. */
  negotiating: Count,
  /** Of all its flows, from the program to the tailnet. */
  bytesUp: Count,
  bytesDown: Count,
})
/** A registered run, and who uses it. */
export type RunStatus = z.infer<typeof RunStatus>

/** The requests about runs beyond `register` and `unregister`. */
export const runMethods = {
  release: { params: z.strictObject({ run: RunId }), result: Empty },
} as const
