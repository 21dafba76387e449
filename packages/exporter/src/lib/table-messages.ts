import type { OwnerId } from './claim.ts'
import type {
  CloseReason,
  Export,
  ExportCall,
  ExportResult,
  ExportState,
  SocketName,
} from './export.ts'
import type { ListenRequest } from './listener.ts'
import type { Outcome, Refusal } from './outcome.ts'
import type { PortKey } from './port-key.ts'
import type { ExportQuestion, ExportVerdict } from './verdict.ts'

/** What happens to the table. Requests and owners are numbered by whoever tells of them. */
export type TableInput =
  | {
      readonly type: 'connect'
      readonly owner: OwnerId
      readonly pid?: number
      readonly run?: string
    }
  | {
      readonly type: 'listen'
      readonly request: number
      readonly owner: OwnerId
      readonly listener: ListenRequest
    }
  | {
      readonly type: 'close'
      readonly request: number
      readonly owner: OwnerId
      readonly listener: ListenRequest
    }
  /** What was added by hand to a port is to go. */
  | { readonly type: 'remove'; readonly request: number; readonly key: PortKey }
  /** A `listen` is withdrawn; it gets no outcome. */
  | { readonly type: 'withdraw'; readonly request: number }
  | { readonly type: 'end'; readonly owner: OwnerId }
  | {
      readonly type: 'decided'
      readonly request: number
      readonly verdict: ExportVerdict | undefined
    }
  /** The answer to the port's call. */
  | { readonly type: 'called'; readonly key: PortKey; readonly result: ExportResult | undefined }
  | { readonly type: 'failed'; readonly key: PortKey; readonly refusal: Refusal }
  /** The kernel's answer, in the order of the question; `undefined` if it could not be had. */
  | { readonly type: 'checked'; readonly listening: readonly boolean[] | undefined }
  | { readonly type: 'state'; readonly state: ExportState }
  /** It is as late as `wakeAt()` said. */
  | { readonly type: 'tick' }
  | { readonly type: 'stop'; readonly drain: boolean }
  /** The connections that are still draining are to be reset. */
  | { readonly type: 'cut' }

/** What is to be done about it, in this order. */
export type TableEffect =
  | { readonly type: 'decide'; readonly request: number; readonly question: ExportQuestion }
  /** Answered by `called` or `failed`. */
  | { readonly type: 'export'; readonly key: PortKey; readonly call: ExportCall }
  | {
      readonly type: 'retarget'
      readonly key: PortKey
      readonly export: number
      readonly targets: string[]
    }
  | {
      readonly type: 'unexport'
      readonly key: PortKey
      readonly export: number
      readonly drain: boolean
    }
  /** What drains is reset; no answer is waited for. */
  | { readonly type: 'reset'; readonly export: number }
  /** Answered by `checked`; there is only one at a time. */
  | { readonly type: 'check'; readonly sockets: SocketName[] }
  | { readonly type: 'settled'; readonly request: number; readonly outcome: Outcome }
  /** A `close` or a `remove` is done; `found` tells whether there was something to remove. */
  | { readonly type: 'done'; readonly request: number; readonly found: boolean }
  | { readonly type: 'opened'; readonly export: Export }
  | { readonly type: 'changed'; readonly export: Export }
  | { readonly type: 'closed'; readonly export: Export; readonly reason: CloseReason }
  | { readonly type: 'refused'; readonly question: ExportQuestion; readonly refusal: Refusal }
  /** After `stop`: nothing is exported, and nothing drains. */
  | { readonly type: 'stopped' }
