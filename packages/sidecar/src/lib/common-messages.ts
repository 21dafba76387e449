import { z } from 'zod'
import { PROTOCOL_VERSION } from './envelope.ts'
import { Base64, Empty, Identifier, Text } from './fields.ts'

// What both roles answer, and the events that Node sends, as in docs/sidecar-channel.md.

export const Role = z.enum(['node', 'lab'])
export type Role = z.infer<typeof Role>

export const HelloResult = z.strictObject({
  protocol: z.literal(PROTOCOL_VERSION),
  version: z.string(),
  tailscale: z.string(),
  pid: Identifier,
  role: Role,
})
export type HelloResult = z.infer<typeof HelloResult>

export const commonMethods = {
  hello: {
    params: z.strictObject({ protocol: Identifier, driver: Text }),
    result: HelloResult,
  },
  stop: { params: Empty, result: Empty },
} as const

/** Events from Node; both name a client that may be gone already. */
export const DriverEvent = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('clientWrite'),
    params: z.strictObject({ client: Identifier, bytes: Base64 }),
  }),
  z.strictObject({
    event: z.literal('clientClose'),
    params: z.strictObject({ client: Identifier, bytes: Base64.optional() }),
  }),
])
export type DriverEvent = z.infer<typeof DriverEvent>
