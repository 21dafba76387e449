import { z } from 'zod'
import { LabExitNode } from './exit-node-messages.ts'
import { Empty, Milliseconds, Port, Text } from './fields.ts'
import { LabLogin, labLoginMethods } from './lab-login-messages.ts'

// The requests of role `lab`, as in docs/sidecar-channel.md.

export const LabNode = z.strictObject({ name: Text, addresses: z.array(Text).min(1) })
export type LabNode = z.infer<typeof LabNode>

export const Forward = z.strictObject({ port: Port, target: Text })
/** A tailnet port of a lab node and the loopback address behind it. */
export type Forward = z.infer<typeof Forward>

export const LabInfo = z.strictObject({
  controlUrl: Text,
  domain: Text,
  nodes: z.array(LabNode),
})
export type LabInfo = z.infer<typeof LabInfo>

/** What Node may ask of a sidecar in role `lab`, with the shape of each answer. */
export const labMethods = {
  startLab: {
    params: z.strictObject({
      delayMs: Milliseconds.max(10_000).optional(),
      relayed: z.boolean().optional(),
      ...LabLogin,
    }),
    result: LabInfo,
  },
  addNode: {
    params: z.strictObject({
      name: Text,
      forwards: z.array(Forward).optional(),
      exitNode: LabExitNode.optional(),
    }),
    result: LabNode,
  },
  removeNode: {
    params: z.strictObject({ name: Text, offline: z.boolean().optional() }),
    result: Empty,
  },
  setExitNodeApproved: {
    params: z.strictObject({ name: Text, approved: z.boolean() }),
    result: Empty,
  },
  addForward: {
    params: z.strictObject({ node: Text, port: Port, target: Text }),
    result: Empty,
  },
  addRecord: { params: z.strictObject({ name: Text, address: Text }), result: Empty },
  ...labLoginMethods,
} as const
