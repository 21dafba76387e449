import type { OwnerId } from './claim.ts'
import type { Listener } from './listener.ts'
import type { ExportQuestion } from './verdict.ts'

/** A `listen` that has not been answered. */
export interface PendingRequest {
  readonly id: number
  readonly owner: OwnerId
  readonly listener: Listener
  readonly question: ExportQuestion
  /** When it came, in the order of all that came. */
  readonly sequence: number
  /**
   * `deciding`: the filter is asked. `checking`: it is in somebody's way, and the kernel is asked
   * whether that one still listens. `waiting`: it has become a claim, the backend is to follow.
   */
  stage: 'deciding' | 'checking' | 'waiting'
  /** Whether its claim is there on account of this request alone. */
  isFirst: boolean
}
