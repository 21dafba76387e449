import type { Family } from '@tailproxy/control-protocol'
import type { Network } from './port-key.ts'

/** What a filter is asked. */
export interface ExportQuestion {
  readonly network: Network
  readonly family: Family
  /** What the listener is bound to. */
  readonly address: string
  readonly port: number
  /** The process that tells of it, if that is known. */
  readonly pid?: number | undefined
  /** The wrapped command that it is part of. */
  readonly run?: string | undefined
}

/** A filter's word. */
export type ExportVerdict =
  | { readonly verdict: 'allow' }
  | { readonly verdict: 'deny'; readonly reason: string }

/** `undefined` is no opinion, which allows. */
export type Decide = (
  question: ExportQuestion,
) => ExportVerdict | undefined | Promise<ExportVerdict | undefined>
