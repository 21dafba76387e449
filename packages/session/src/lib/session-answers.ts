import { z } from 'zod'

// What a session answers. Loose: a younger one may say more.

export const Exported = z.object({
  network: z.string(),
  port: z.number(),
  targets: z.array(z.string()),
  addresses: z.array(z.string()),
  connections: z.number(),
  accepted: z.number(),
  refused: z.number(),
  bytesUp: z.number(),
  bytesDown: z.number(),
  /** Datagrams that were not carried. */
  dropped: z.number().optional(),
  pids: z.array(z.number()),
  /** Why the last connection was not let in, or not forwarded. */
  error: z.object({ code: z.string(), message: z.string() }).optional(),
})
/** An export, as a session tells of it. */
export type SessionExport = z.infer<typeof Exported>

const ExitNode = z.object({
  id: z.string(),
  /** Fully qualified, without a trailing dot. */
  name: z.string(),
  addresses: z.array(z.string()),
  online: z.boolean(),
  selected: z.boolean(),
  location: z.object({ country: z.string().optional(), city: z.string().optional() }).optional(),
})
/** A node that may be used as an exit node. */
export type SessionExitNode = z.infer<typeof ExitNode>

const ExitNodeState = z.object({
  state: z.string(),
  node: ExitNode.optional(),
  reason: z.string().optional(),
  /** What was asked for, in order of preference. */
  wanted: z.array(z.string()),
  lanAccess: z.boolean(),
})
/** The exit node that is set, whether or not it is there. */
export type SessionExitNodeState = z.infer<typeof ExitNodeState>

export const ExitNodes = z.object({ nodes: z.array(ExitNode), exitNode: ExitNodeState.optional() })
/** The exit nodes there are, and the one that is set. */
export type SessionExitNodes = z.infer<typeof ExitNodes>

/** The answer to a choice of an exit node: none where none was chosen, or can be suggested. */
export const ChosenExitNode = z.object({ node: ExitNode.optional() })

const PeerPath = z.object({
  kind: z.string(),
  /** The peer's address, when it is reached directly. */
  endpoint: z.string().optional(),
  /** The region of the relay that carries what goes there. */
  relay: z.string().optional(),
})

export const Peer = z.object({
  id: z.string(),
  name: z.string(),
  addresses: z.array(z.string()),
  online: z.boolean(),
  user: z.string().optional(),
  tags: z.array(z.string()).optional(),
  exitNodeOption: z.boolean(),
  os: z.string().optional(),
  /** RFC 3339. */
  lastSeen: z.string().optional(),
  expired: z.boolean().optional(),
  path: PeerPath.optional(),
  bytesUp: z.number().default(0),
  bytesDown: z.number().default(0),
})
/** Another node of the tailnet, and how it is reached. */
export type SessionPeer = z.infer<typeof Peer>

export const Ping = z.object({
  name: z.string(),
  address: z.string(),
  latencyMs: z.number(),
  path: PeerPath,
})
/** An answer of a peer. */
export type SessionPing = z.infer<typeof Ping>

export const Network = z.object({
  udp: z.boolean(),
  ipv4: z.boolean(),
  ipv6: z.boolean(),
  natType: z.string(),
  portMapping: z.string().optional(),
  /** The code of one of the relays. */
  preferredRelay: z.string().optional(),
  /** The nearest first. */
  relays: z.array(z.object({ code: z.string(), name: z.string(), latencyMs: z.number() })),
  relayError: z.string().optional(),
  controlMs: z.number().optional(),
  controlError: z.string().optional(),
  /** By how much this host's clock is ahead. */
  clockSkewMs: z.number().optional(),
})
/** What was seen of the network that this host is in. */
export type SessionNetwork = z.infer<typeof Network>

const RunFlows = z.object({
  run: z.string(),
  flows: z.number(),
  bytesUp: z.number(),
  bytesDown: z.number(),
})

const Flow = z.object({
  flow: z.number(),
  direction: z.string(),
  run: z.string().optional(),
  network: z.string(),
  source: z.string(),
  destination: z.string(),
  /** The name that was dialled. */
  name: z.string().optional(),
  peer: z.string().optional(),
  pid: z.number().optional(),
  route: z.string(),
  ageMs: z.number(),
  bytesUp: z.number(),
  bytesDown: z.number(),
})
/** A connection, or what datagrams make up. */
export type SessionFlow = z.infer<typeof Flow>

export const Flows = z.object({ flows: z.array(Flow), total: z.number() })
/** The newest flows that are open, and how many there are in all. */
export type SessionFlows = z.infer<typeof Flows>

const Listed = z.object({
  run: z.string(),
  command: z.array(z.string()),
  pid: z.number(),
  since: z.string(),
  lingering: z.boolean(),
})

export const Status = z.object({
  pid: z.number(),
  version: z.string(),
  state: z.string(),
  detail: z.string().optional(),
  /** Where somebody has to log the node in. */
  url: z.string().optional(),
  since: z.string(),
  stateDirectory: z.string(),
  log: z.string().optional(),
  pinned: z.boolean(),
  idleAt: z.string().optional(),
  /** Milliseconds without anybody until it leaves; 0 is never. */
  idleTimeout: z.number().default(0),
  profile: z.string().optional(),
  /** Of settings; none for Tailscale's own. */
  controlUrl: z.string().optional(),
  /** Where metrics are served on loopback. */
  metrics: z.string().optional(),
  runs: z.array(Listed),
  exports: z.array(Exported),
  /** What programs told of their listeners, and came to nothing. */
  controlSocket: z
    .object({
      unexported: z.number(),
      malformed: z.number(),
      refused: z.number(),
      cut: z.number(),
      dropped: z.number(),
      /** What was said of the last of them. */
      last: z.string().optional(),
    })
    .optional(),
  sidecar: z
    .object({
      node: z
        .object({
          name: z.string(),
          addresses: z.array(z.string()),
          tailnet: z.string().optional(),
          user: z.string().optional(),
        })
        .optional(),
      /** RFC 3339. */
      keyExpiry: z.string().optional(),
      /** What Tailscale itself warns of. */
      health: z.array(z.string()).default([]),
      /** The region of the relay that this node is reached by. */
      relay: z.string().optional(),
      runs: z.array(RunFlows).default([]),
      peers: z.number(),
      flows: z.number(),
      opened: z.number(),
      bytesUp: z.number(),
      bytesDown: z.number(),
      exitNode: ExitNodeState.optional(),
    })
    .optional(),
})
/** How a session does, as it tells itself. */
export type SessionStatus = z.infer<typeof Status>
