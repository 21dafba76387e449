import type { RefusalCode } from '@tailproxy/control-protocol'
import type { Export } from './export.ts'

/** Why a listener is not exported. */
export interface Refusal {
  readonly ok: false
  readonly code: RefusalCode
  /** For people. */
  readonly reason: string
}

/** What has become of a request. */
export type Outcome = { readonly ok: true; readonly export: Export } | Refusal

export function refusal(code: RefusalCode, reason: string): Refusal {
  return { ok: false, code, reason }
}
