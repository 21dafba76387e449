import { z } from 'zod'
import { ExitNodeStatus, exitNodeMethods } from './exit-node-messages.ts'
import { exportMethods } from './export-messages.ts'
import {
  Base64,
  Count,
  Empty,
  Identifier,
  Milliseconds,
  Port,
  Route,
  RunId,
  Text,
} from './fields.ts'
import { loginMethods } from './login-messages.ts'
import { measureMethods, Peer } from './measure-messages.ts'
import { RunStatus, runMethods } from './run-messages.ts'
import { TailnetNode } from './tailnet-node.ts'

// The requests of role `node`, as in docs/sidecar-channel.md.

export const NodeState = z.enum(['starting', 'needs-login', 'needs-approval', 'running', 'stopped'])
export type NodeState = z.infer<typeof NodeState>

export const RunPolicy = z.strictObject({
  /** Refuse what is neither the tailnet's nor an exit node's, instead of dialling it from the host. */
  onlyTailnet: z.boolean(),
  /** CIDR prefixes that are dialled from the host, whatever else says. */
  bypass: z.array(Text),
  /** Ask for a verdict on each flow. */
  ask: z.boolean(),
  /**
   * Datagrams: carried as connections are, refused, or left to the host's network, where those for
   * the tailnet are refused.
   */
  udp: z.enum(['proxy', 'block', 'direct']),
})
export type RunPolicy = z.infer<typeof RunPolicy>

export const StartParams = z.strictObject({
  hostname: Text,
  stateDir: Text,
  authKey: Text.optional(),
  controlUrl: Text.optional(),
  ephemeral: z.boolean(),
  tags: z.array(Text).optional(),
  lab: z.boolean().optional(),
  tailscaleLogs: z.boolean().optional(),
  /** How long login and approval may take; 0 is for ever. @default 0 */
  loginTimeoutMs: Milliseconds.optional(),
})
export type StartParams = z.infer<typeof StartParams>

const StatusResult = z.strictObject({
  state: NodeState,
  node: TailnetNode.optional(),
  /** Absent when none is set. */
  exitNode: ExitNodeStatus.optional(),
  peers: Count,
  negotiating: Count,
  flows: Count,
  opened: Count,
  bytesUp: Count,
  bytesDown: Count,
  /** Those that are registered, by name. */
  runs: z.array(RunStatus),
  /** RFC 3339; absent for a key that stays good. */
  keyExpiry: Text.optional(),
  /** What Tailscale warns of. */
  health: z.array(z.string()),
  controlUrl: Text.optional(),
  /** The name of the node's own DERP region. */
  relay: Text.optional(),
})
export type SidecarStatus = z.infer<typeof StatusResult>

/** What `sockaddr_un` holds beside its NUL (unix(7)). */
export const MAX_SOCKET_PATH = 107

const SocketPath = z
  .string()
  .regex(/^\/[^\0]*$/)
  .refine((path) => Buffer.byteLength(path) <= MAX_SOCKET_PATH)

const ServeDialsResult = z.strictObject({
  /** The families that connect by the dial socket; with `none`, programs use SOCKS5. */
  tarpit: z.enum(['both', 'ipv4', 'none']),
  /** Why it is not both; for people. */
  detail: z.string().optional(),
})
export type ServeDialsResult = z.infer<typeof ServeDialsResult>

export const ClientDialParams = z.strictObject({
  client: Identifier,
  run: RunId.optional(),
  network: z.literal('tcp'),
  host: Text,
  port: Port,
  deadlineMs: Milliseconds,
  /** What the client is told on success, up to the bound address, which the sidecar appends. */
  onSuccess: Base64,
  /** The program's first bytes for the peer, if Node was given any. */
  leftover: Base64.optional(),
})
export type ClientDialParams = z.infer<typeof ClientDialParams>

export const ClientDialResult = z.strictObject({
  flow: Identifier,
  bound: Text,
  peer: Text.optional(),
  route: Route,
})
export type ClientDialResult = z.infer<typeof ClientDialResult>

export const ResolveParams = z.strictObject({
  name: Text,
  types: z.array(z.enum(['A', 'AAAA', 'PTR'])).min(1),
  run: RunId.optional(),
})
export type ResolveParams = z.infer<typeof ResolveParams>

export const ResolveResult = z.strictObject({
  addresses: z.array(Text),
  names: z.array(Text),
  canonicalName: Text.optional(),
})
export type ResolveResult = z.infer<typeof ResolveResult>

/** What Node may ask of a sidecar in role `node`, with the shape of each answer. */
export const nodeMethods = {
  start: { params: StartParams, result: TailnetNode },
  status: { params: Empty, result: StatusResult },
  listenSocks: {
    params: z.strictObject({
      host: Text,
      port: z.int().min(0).max(65_535),
      cap: z.int().min(1).max(65_535),
      handshakeMs: Milliseconds.min(1),
    }),
    result: z.strictObject({ address: Text }),
  },
  serveDials: { params: z.strictObject({ path: SocketPath }), result: ServeDialsResult },
  watchFlows: { params: z.strictObject({ watch: z.boolean() }), result: Empty },
  clientDial: { params: ClientDialParams, result: ClientDialResult },
  register: {
    params: z.strictObject({
      run: RunId,
      token: z.string().min(32).max(128),
      policy: RunPolicy,
      /** The run's control socket (docs/control-protocol.md), for processes that cannot reach it. */
      control: SocketPath.optional(),
    }),
    result: Empty,
  },
  unregister: { params: z.strictObject({ run: RunId }), result: Empty },
  resolve: { params: ResolveParams, result: ResolveResult },
  fileCapabilities: {
    params: z.strictObject({ path: Text }),
    result: z.strictObject({ present: z.boolean() }),
  },
  whois: {
    params: z.strictObject({ address: Text }),
    result: z.strictObject({ peer: Peer.optional() }),
  },
  ...exportMethods,
  ...runMethods,
  ...loginMethods,
  ...measureMethods,
  ...exitNodeMethods,
} as const
