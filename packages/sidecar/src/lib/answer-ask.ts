import { AnswerError } from './channel.ts'
import { type Ask, AskParams, AskResult, type Verdict } from './sidecar-messages.ts'

/** Answers a request of the sidecar, which has but one: may this flow be made? */
export async function answerAsk(
  method: string,
  params: object,
  onAsk: ((ask: Ask) => Verdict | Promise<Verdict>) | undefined,
): Promise<Record<string, unknown>> {
  if (method !== 'ask') throw new AnswerError('protocol', `the driver has no method "${method}"`)
  const parsed = AskParams.safeParse(params)
  if (!parsed.success) throw new AnswerError('protocol', `"ask": ${parsed.error.message}`)
  if (!onAsk) return { allow: false, reason: 'nobody decides on this flow' }
  const verdict = AskResult.safeParse(await onAsk(parsed.data))
  if (!verdict.success) throw new AnswerError('internal', `no verdict: ${verdict.error.message}`)
  return verdict.data
}
