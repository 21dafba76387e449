import { z } from 'zod'

// The field types that several messages of the channel share (docs/sidecar-channel.md).

export const Identifier = z.int().positive()
export const Count = z.int().nonnegative()
/** A delay; setTimeout of Node takes no more than 31 bits. */
export const Milliseconds = z.int().min(0).max(2_147_483_647)
export const Port = z.int().min(1).max(65_535)
export const Text = z.string().min(1)
/** What a wrapped command is called; its SOCKS5 user name, too. */
export const RunId = Text.max(64)
export const Base64 = z.base64()
export const Empty = z.strictObject({})
export const Network = z.enum(['tcp', 'udp'])
export const Route = z.enum(['tailnet', 'exit', 'direct'])
export type Route = z.infer<typeof Route>
