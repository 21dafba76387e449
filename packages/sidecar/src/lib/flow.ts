import { z } from 'zod'
import { Identifier, Network, Route, RunId, Text } from './fields.ts'

/** What is known of a flow when it is opened. */
export const Flow = z.strictObject({
  flow: Identifier,
  /** `outbound` is from a program to the tailnet. */
  direction: z.enum(['outbound', 'inbound']),
  run: RunId.optional(),
  network: Network,
  source: Text,
  destination: Text,
  /** The name that was asked for, if it was not an address. */
  name: Text.optional(),
  peer: Text.optional(),
  /** The process that dialled, when it came by the dial socket. */
  pid: Identifier.optional(),
  /** What an inbound one came to. */
  export: Identifier.optional(),
  route: Route,
})
