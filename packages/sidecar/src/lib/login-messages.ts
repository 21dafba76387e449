import { z } from 'zod'
import { Empty, Milliseconds, Text } from './fields.ts'
import { TailnetNode } from './tailnet-node.ts'

// Who the node is, as in docs/sidecar-channel.md.

export const LoginParams = z.strictObject({
  /** A secret. Without one `authUrl` says where to log in. */
  authKey: Text.optional(),
  /** How long login and approval may take; 0 is for ever. @default 0 */
  loginTimeoutMs: Milliseconds.optional(),
})
export type LoginParams = z.infer<typeof LoginParams>

/** The requests about who the node is. */
export const loginMethods = {
  login: { params: LoginParams, result: TailnetNode },
  logout: { params: Empty, result: Empty },
} as const
