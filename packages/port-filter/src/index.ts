export {
  type AskOptions,
  DEFAULT_FILTER_TIMEOUT,
  type FilterChainOptions,
} from './lib/chain-options.ts'
export { checkFilter } from './lib/check-filter.ts'
export {
  ChainOptionsError,
  FilterFailedError,
  FilterShapeError,
  FilterTimeoutError,
  PortFilterError,
  type PortFilterErrorCode,
  PortRangeError,
  PortSpecError,
} from './lib/errors.ts'
export type {
  Answer,
  ExportRules,
  Filter,
  FilterContext,
  FilterHook,
  InboundRules,
  Questions,
  StaticRules,
} from './lib/filter.ts'
export { createFilterChain, type FilterChain } from './lib/filter-chain.ts'
export type {
  Endpoint,
  ExportRequest,
  InboundFlow,
  OutboundFlow,
  PeerIdentity,
} from './lib/flow.ts'
export type { PeerList } from './lib/inbound-rules.ts'
export { type ParsePortSetOptions, type PortSpec, parsePortSet } from './lib/parse-port-set.ts'
export {
  createPortFilter,
  DEFAULT_MAX_EXPORTS,
  type PortFilter,
  type PortFilterOptions,
  type PortLists,
} from './lib/port-filter.ts'
export { type PortRange, PortSet } from './lib/port-set.ts'
export type { ServiceLookup } from './lib/services.ts'
export type { MergedRules } from './lib/static-rules.ts'
export type { Allow, ChainVerdict, Denial, Deny, Opinion, Verdict } from './lib/verdict.ts'
