import { describe, quote } from './quote.ts'
import { ALLOW, deny, MAX_REASON_LENGTH, type Opinion } from './verdict.ts'

const FIELDS = ['verdict', 'reason']

/** What is wrong with an answer. */
export interface Malformed {
  readonly problem: string
}

/**
 * Reads what a filter answered. Only `undefined` is no opinion, and a field that no verdict has
 * (say, a route) makes it no verdict: what an author believes to have said must not go unheard.
 */
export function readOpinion(answer: unknown): { readonly opinion: Opinion } | Malformed {
  if (answer === undefined) return { opinion: undefined }
  if (typeof answer !== 'object' || answer === null) {
    return { problem: `answered ${describe(answer)}, which is no verdict` }
  }
  const stranger = Object.keys(answer).find((field) => !FIELDS.includes(field))
  if (stranger !== undefined) {
    return { problem: `answered with a field ${quote(stranger)}, which no verdict has` }
  }
  const { verdict, reason } = answer as { verdict?: unknown; reason?: unknown }
  if (verdict === 'allow') return { opinion: ALLOW }
  if (verdict !== 'deny') return { problem: `answered the verdict ${describe(verdict)}` }
  if (typeof reason !== 'string') return { problem: 'denied without a reason' }
  const line = oneLine(reason)
  return line === '' ? { problem: 'denied without a reason' } : { opinion: deny(line) }
}

/** Without control characters, which a terminal or a line protocol would obey. */
function oneLine(reason: string): string {
  const line = reason
    .slice(0, MAX_REASON_LENGTH * 2)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
  return line.length > MAX_REASON_LENGTH ? `${line.slice(0, MAX_REASON_LENGTH - 1)}…` : line
}
