import type { ExportRequest, InboundFlow, OutboundFlow } from './flow.ts'
import type { PortSpec } from './parse-port-set.ts'
import type { Opinion } from './verdict.ts'

/** What each hook is asked about. */
export interface Questions {
  outbound: OutboundFlow
  inbound: InboundFlow
  export: ExportRequest
}

export type FilterHook = keyof Questions

/** What a hook is given beside the question. */
export interface FilterContext {
  /** Aborts when the time is over, or nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

export type Answer = Opinion | Promise<Opinion>

/**
 * Which peers may open a flow. One passes whose user is in `users`, or that has one of `tags`.
 * Both empty is nobody, never everybody.
 */
export interface InboundRules {
  /** Login names, compared exactly. */
  readonly users?: readonly string[] | undefined
  /** As `tag:web`, compared exactly. */
  readonly tags?: readonly string[] | undefined
}

/** Which ports may be exported; `deny` wins. */
export interface ExportRules {
  /** When it is there, no other port may be. */
  readonly allow?: PortSpec | undefined
  readonly deny?: PortSpec | undefined
}

/** Rules that are data. They are looked at where the flow is, so that they cost no question. */
export interface StaticRules {
  readonly inbound?: InboundRules | undefined
  readonly exports?: ExportRules | undefined
}

/**
 * Something that has a say about flows and exports. It can only ever narrow what the routes let
 * through. Questions are frozen; hooks may run at the same time. A hook that throws, takes too long
 * or answers with anything but a verdict or undefined has denied.
 *
 * It has at least one hook or static rule, and no function beside the ones here, so that a misspelt
 * hook is an error rather than a hole.
 */
export interface Filter {
  /** In messages and logs; 1 to 64 characters. */
  readonly name: string
  /** Read once, when the chain is made. They apply as well as the hooks. */
  readonly static?: StaticRules | undefined
  outbound?(flow: OutboundFlow, context: FilterContext): Answer
  inbound?(flow: InboundFlow, context: FilterContext): Answer
  export?(request: ExportRequest, context: FilterContext): Answer
  /** Lets go of what the filter holds; called once, after the last question. */
  dispose?(): void | Promise<void>
}
