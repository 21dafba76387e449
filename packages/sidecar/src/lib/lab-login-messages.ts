import { z } from 'zod'
import { Empty, Text } from './fields.ts'

// Who may be on a lab's tailnet, and its control server, as in docs/sidecar-channel.md.

/** What a lab wants of the nodes that come to it. */
export const LabLogin = {
  /** The one key that lets nodes in. */
  authKey: Text.optional(),
  /** Nodes wait for a visit of their login URL, but those that bring the key. */
  requireAuth: z.boolean().optional(),
  /** Machines wait to be approved. */
  requireApproval: z.boolean().optional(),
}

export const labLoginMethods = {
  completeAuth: { params: z.strictObject({ url: Text }), result: Empty },
  approve: { params: z.strictObject({ node: Text }), result: Empty },
  expireKeys: { params: z.strictObject({ expired: z.boolean() }), result: Empty },
  stopControl: { params: Empty, result: Empty },
  startControl: { params: Empty, result: Empty },
} as const
