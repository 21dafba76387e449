import { z } from 'zod'
import { ERROR_CODES } from './error-code.ts'
import { ExitNodeChange } from './exit-node-messages.ts'
import { ExportState } from './export-messages.ts'
import { Base64, Count, Identifier, Milliseconds, Network, RunId, Text } from './fields.ts'
import { Flow } from './flow.ts'
import { NodeState } from './node-messages.ts'

// What the sidecar sends of its own accord, as in docs/sidecar-channel.md.

const ClientEvent = z.strictObject({
  client: Identifier,
  bytes: Base64,
  /** Where the client connects from; with its first bytes only. */
  source: Text.optional(),
})

export const FlowOpened = Flow.extend({ dialMs: Milliseconds })
export type FlowOpened = z.infer<typeof FlowOpened>

export const FlowClosed = z.strictObject({
  flow: Identifier,
  /** From the program to the tailnet. */
  bytesUp: Count,
  bytesDown: Count,
  durationMs: Count,
  error: z.strictObject({ code: z.enum(ERROR_CODES), message: z.string() }).optional(),
})
export type FlowClosed = z.infer<typeof FlowClosed>

export const SidecarEvent = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('client'), params: ClientEvent }),
  z.strictObject({
    event: z.literal('clientGone'),
    params: z.strictObject({
      client: Identifier,
      reason: z.enum(['closed', 'timed-out', 'too-large', 'failed']),
    }),
  }),
  z.strictObject({
    event: z.literal('state'),
    params: z.strictObject({ state: NodeState, detail: z.string().optional() }),
  }),
  z.strictObject({ event: z.literal('authUrl'), params: z.strictObject({ url: z.url() }) }),
  z.strictObject({ event: z.literal('flowOpened'), params: FlowOpened }),
  z.strictObject({ event: z.literal('flowClosed'), params: FlowClosed }),
  z.strictObject({ event: z.literal('exportState'), params: ExportState }),
  z.strictObject({ event: z.literal('exitNodeState'), params: ExitNodeChange }),
  z.strictObject({
    event: z.literal('log'),
    params: z.strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']),
      message: z.string(),
    }),
  }),
])
export type SidecarEvent = z.infer<typeof SidecarEvent>

const OutboundAsk = z.strictObject({
  origin: z.enum(['socks', 'preload']),
  direction: z.literal('outbound'),
  network: Network,
  source: Text,
  destination: Text,
  name: Text.optional(),
  peer: Text.optional(),
  run: RunId.optional(),
  pid: Identifier.optional(),
})
/** A flow of a program, to the tailnet or elsewhere. */
export type OutboundAsk = z.infer<typeof OutboundAsk>

const InboundAsk = z.strictObject({
  origin: z.literal('export'),
  direction: z.literal('inbound'),
  network: Network,
  /** The peer's address. */
  source: Text,
  /** Ours. */
  destination: Text,
  export: Identifier,
  /** The peer's name, if it is known; so is who it is: a user, or tags. */
  peer: Text.optional(),
  user: Text.optional(),
  tags: z.array(Text).optional(),
  run: RunId.optional(),
})
/** A connection from the tailnet to an export. */
export type InboundAsk = z.infer<typeof InboundAsk>

export const AskParams = z.discriminatedUnion('direction', [OutboundAsk, InboundAsk])
/** A flow for which the sidecar wants a verdict. */
export type Ask = z.infer<typeof AskParams>

export const AskResult = z.strictObject({ allow: z.boolean(), reason: z.string().optional() })
export type Verdict = z.infer<typeof AskResult>
