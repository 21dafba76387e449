import { z } from 'zod'
import { ERROR_CODES } from './error-code.ts'
import { Count, Empty, Identifier, Network, Port, RunId, Text } from './fields.ts'

// What serves a program's listeners to the tailnet, as in docs/sidecar-channel.md.

/** One or two addresses with a port, at most one of each family. */
const Targets = z.array(Text).min(1).max(2)

const Service = z.string().regex(/^svc:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)

export const ExportParams = z.strictObject({
  run: RunId.optional(),
  /** TCP when it is not there. */
  network: Network.optional(),
  /** Of the node's addresses. */
  port: Port,
  /** Where a connection goes: an address with a port of this host, one or two, at most one of each family. */
  targets: Targets,
  /** A peer passes with one of these; both empty is everybody. */
  allow: z.strictObject({
    /** Login names. */
    users: z.array(Text),
    /** As `tag:web`. */
    tags: z.array(Text),
  }),
  /** Ask for a verdict on each connection that `allow` lets pass. */
  ask: z.boolean(),
  /** Send a PROXY protocol header of version 2 ahead of the peer's bytes. */
  proxyProtocol: z.boolean(),
  /** Show wrapped programs the peer's address as that of the connection. */
  showPeers: z.boolean(),
  /**
   * How many connections there may be at once; further ones are reset. Of UDP, how many flows: one more
   * ends the one that was idle for longest.
   */
  maxConnections: z.int().min(1).max(65_535),
  /** Offer the port as this Tailscale Service, as `svc:web`. */
  service: Service.optional(),
})
export type ExportParams = z.infer<typeof ExportParams>

const ExportResult = z.strictObject({ export: Identifier, addresses: z.array(Text).min(1) })
export type ExportResult = z.infer<typeof ExportResult>

export const ExportState = z.strictObject({
  export: Identifier,
  /** Open ones. */
  connections: Count,
  /** All that were let in, open ones included. */
  accepted: Count,
  refused: Count,
  /** From the program to the tailnet. */
  bytesUp: Count,
  bytesDown: Count,
  /** Datagrams that were not carried, of those who are let in or not decided on; none is 0. */
  dropped: Count.optional(),
  /** Why the last connection could not be forwarded. */
  error: z.strictObject({ code: z.enum(ERROR_CODES), message: z.string() }).optional(),
})
export type ExportState = z.infer<typeof ExportState>

const Exported = ExportState.extend({
  run: RunId.optional(),
  network: Network,
  port: Port,
  targets: Targets,
  service: Service.optional(),
})
/** An export there is, and how it does. */
export type Exported = z.infer<typeof Exported>

/** `SO_COOKIE` in decimal: it has more bits than a JSON number carries. */
const Cookie = z
  .string()
  .regex(/^[1-9][0-9]{0,19}$/)
  .refine((text) => BigInt(text) < 2n ** 64n)

/** The requests about exports, with the shape of each answer. */
export const exportMethods = {
  export: { params: ExportParams, result: ExportResult },
  retarget: { params: z.strictObject({ export: Identifier, targets: Targets }), result: Empty },
  unexport: { params: z.strictObject({ export: Identifier, drain: z.boolean() }), result: Empty },
  exports: { params: Empty, result: z.strictObject({ exports: z.array(Exported) }) },
  listening: {
    params: z.strictObject({
      sockets: z.array(
        z.strictObject({
          /** TCP when it is not there. */
          network: Network.optional(),
          address: Text,
          cookie: Cookie,
        }),
      ),
    }),
    result: z.strictObject({ listening: z.array(z.boolean()) }),
  },
} as const
