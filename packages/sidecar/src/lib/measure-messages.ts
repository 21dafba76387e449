import { z } from 'zod'
import { ERROR_CODES } from './error-code.ts'
import { Count, Empty, Milliseconds, Route, Text } from './fields.ts'
import { Flow } from './flow.ts'

// What a sidecar measures, as in docs/sidecar-channel.md.

/** A measured number of milliseconds, with parts of one. */
const Measure = z.number().nonnegative()

export const PeerPath = z.strictObject({
  /** `none`: nothing was sent so far, or not for minutes. */
  kind: z.enum(['direct', 'relay', 'none']),
  /** Where packets go: an address with a port. */
  endpoint: z.string().optional(),
  /** The code of a DERP region. */
  relay: z.string().optional(),
})
/** How packets reach a peer. */
export type PeerPath = z.infer<typeof PeerPath>

export const Peer = z.strictObject({
  id: Text,
  name: Text,
  addresses: z.array(Text),
  online: z.boolean(),
  user: z.string().optional(),
  tags: z.array(z.string()).optional(),
  exitNodeOption: z.boolean(),
})
/** Another node of the tailnet. */
export type Peer = z.infer<typeof Peer>

export const PeerStatus = Peer.extend({
  os: Text.optional(),
  /** RFC 3339; of one that is offline. */
  lastSeen: Text.optional(),
  /** Its key has expired. */
  expired: z.boolean().optional(),
  path: PeerPath,
  /** Of this session's flows with it, from programs to the tailnet. */
  bytesUp: Count,
  bytesDown: Count,
  /** Flows to it, and dials that failed. */
  connects: Count,
  failures: Count,
})
/** A peer, the way to it, and what this session's flows had to do with it. */
export type PeerStatus = z.infer<typeof PeerStatus>

export const OpenFlow = Flow.extend({ ageMs: Count, bytesUp: Count, bytesDown: Count })
export type OpenFlow = z.infer<typeof OpenFlow>

export const FlowListResult = z.strictObject({
  /** The newest first. */
  flows: z.array(OpenFlow),
  /** How many there are. */
  total: Count,
})
export type FlowListResult = z.infer<typeof FlowListResult>

export const PingResult = z.strictObject({
  name: Text,
  address: Text,
  latencyMs: Measure,
  path: PeerPath,
})
export type PingResult = z.infer<typeof PingResult>

export const NetcheckResult = z.strictObject({
  udp: z.boolean(),
  ipv4: z.boolean(),
  ipv6: z.boolean(),
  /** `hard`: the mapping depends on the destination, and direct paths are rare. */
  natType: z.enum(['none', 'easy', 'hard', 'unknown']),
  /** As `UPnP, PCP`. */
  portMapping: z.string().optional(),
  /** The code of one of the relays. */
  preferredRelay: Text.optional(),
  /** Those that answered, the nearest first. */
  relays: z.array(z.strictObject({ code: Text, name: z.string(), latencyMs: Measure })),
  /** Why none could be asked; for people, as `controlError`. */
  relayError: z.string().optional(),
  controlMs: Measure.optional(),
  controlError: z.string().optional(),
  /** By how much the host's clock is ahead of the control server's, to about a second. */
  clockSkewMs: z.number().optional(),
})
export type NetcheckResult = z.infer<typeof NetcheckResult>

const Carried = z.strictObject({ up: Count, down: Count })

export const Metrics = z.strictObject({
  /** Of programs' TCP connects that succeeded, looking up and asking included. */
  connectLatency: z.strictObject({
    count: Count,
    sumMs: Measure,
    /** Cumulative: each counts what took at most so long. */
    buckets: z.array(z.strictObject({ leMs: Measure, count: Count })),
  }),
  flows: z.strictObject({
    openedTcp: Count,
    openedUdp: Count,
    closed: Count,
    /** Dials of programs, by the code of their error. */
    failed: z.partialRecord(z.enum(ERROR_CODES), Count),
  }),
  /** Of all flows, open ones included. */
  bytes: z.strictObject({ up: Count, down: Count, routes: z.partialRecord(Route, Carried) }),
  peers: z.array(PeerStatus),
})
export type Metrics = z.infer<typeof Metrics>

/** The requests that measure. */
export const measureMethods = {
  peers: { params: Empty, result: z.strictObject({ peers: z.array(PeerStatus) }) },
  flowList: {
    params: z.strictObject({ limit: z.int().min(1).max(10_000) }),
    result: FlowListResult,
  },
  ping: {
    params: z.strictObject({ peer: Text, timeoutMs: Milliseconds.min(1) }),
    result: PingResult,
  },
  netcheck: { params: z.strictObject({ controlUrl: Text.optional() }), result: NetcheckResult },
  metrics: { params: Empty, result: Metrics },
} as const
