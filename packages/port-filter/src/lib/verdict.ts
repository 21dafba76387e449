/** "Fine by me." Another filter may still deny. */
export interface Allow {
  readonly verdict: 'allow'
}

/** Final. The reason is for the people who look at the session, not for the peer. */
export interface Deny {
  readonly verdict: 'deny'
  readonly reason: string
}

export type Verdict = Allow | Deny

/** What a filter makes of a question: undefined is no opinion. */
export type Opinion = Verdict | undefined

/** A filter chain's denial. */
export interface Denial extends Deny {
  /** The name of the filter that denied; not there when it was the chain's `fallback`. */
  readonly filter?: string
}

/** What a filter chain makes of a question. */
export type ChainVerdict = Allow | Denial

/** Longer reasons are cut: they end in logs and in lines of the control protocol. */
export const MAX_REASON_LENGTH = 256

export const ALLOW: Allow = Object.freeze({ verdict: 'allow' })

export function deny(reason: string): Deny {
  return { verdict: 'deny', reason }
}
