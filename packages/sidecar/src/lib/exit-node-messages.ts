import { z } from 'zod'
import { Empty, Text } from './fields.ts'

// Exit nodes, as in docs/sidecar-channel.md.

export const ExitNode = z.strictObject({
  id: Text,
  /** Fully qualified, without a trailing dot. */
  name: Text,
  addresses: z.array(Text),
  online: z.boolean(),
  /** It is the one that is set. */
  selected: z.boolean(),
  /** Where it says it is. */
  location: z.strictObject({ country: Text.optional(), city: Text.optional() }).optional(),
})
/** A node that may be used as an exit node. */
export type ExitNode = z.infer<typeof ExitNode>

export const ExitNodeChange = z.strictObject({
  state: z.enum(['up', 'down', 'none']),
  /** When it is down, the one that was in force last. */
  node: ExitNode.optional(),
  /** Why it is down; for people. */
  reason: z.string().optional(),
})
/** What became of the exit node. */
export type ExitNodeChange = z.infer<typeof ExitNodeChange>

export const ExitNodeStatus = ExitNodeChange.extend({
  state: z.enum(['up', 'down']),
  /** What was asked for, in order of preference. */
  wanted: z.array(Text),
  lanAccess: z.boolean(),
})
/** The exit node that is set, whether or not it is there. */
export type ExitNodeStatus = z.infer<typeof ExitNodeStatus>

/** How many may be given in order of preference. */
export const MAX_EXIT_NODES = 16

const SetExitNodeParams = z.strictObject({
  nodes: z.array(Text).max(MAX_EXIT_NODES),
  lanAccess: z.boolean(),
  /** What is wanted stays so when none of it can be used: what is meant for it fails until one can. */
  insist: z.boolean().optional(),
})

/** The requests about exit nodes, with the shape of each answer. */
export const exitNodeMethods = {
  exitNodes: { params: Empty, result: z.strictObject({ nodes: z.array(ExitNode) }) },
  setExitNode: {
    params: SetExitNodeParams,
    result: z.strictObject({ node: ExitNode.optional() }),
  },
  suggestExitNode: { params: Empty, result: z.strictObject({ node: ExitNode.optional() }) },
} as const

/** What a node of the lab is beside its forwards. */
export const LabExitNode = z.enum(['approved', 'unapproved'])
export type LabExitNode = z.infer<typeof LabExitNode>
