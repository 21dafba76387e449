import { z } from 'zod'
import { Text } from './fields.ts'

export const TailnetNode = z.strictObject({
  id: Text,
  hostname: Text,
  /** Fully qualified, without a trailing dot. */
  name: Text,
  addresses: z.array(Text).min(1),
  tailnet: z.string(),
  magicDnsSuffix: z.string(),
  user: z.string().optional(),
})
/** This session's own node. */
export type TailnetNode = z.infer<typeof TailnetNode>
