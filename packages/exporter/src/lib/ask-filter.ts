import type { Clock } from './clock.ts'
import type { Decide, ExportQuestion, ExportVerdict } from './verdict.ts'

/**
 * The filter's word, in time. Whatever is not clearly one of its answers denies: an exception, an
 * answer that is late, something else than a verdict.
 */
export async function askFilter(
  decide: Decide,
  question: ExportQuestion,
  timeout: number,
  clock: Clock,
): Promise<ExportVerdict | undefined> {
  let timer: unknown
  const late = new Promise<ExportVerdict>((resolve) => {
    const tell = () => resolve(deny(`the filter has not answered within ${timeout} ms`))
    timer = clock.setTimeout(tell, timeout)
  })
  try {
    return checked(await Promise.race([late, decide(question)]))
  } catch (error) {
    return deny(`the filter failed: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    clock.clearTimeout(timer)
  }
}

function checked(answer: unknown): ExportVerdict | undefined {
  if (answer === undefined) return undefined
  const { verdict, reason } = (answer ?? {}) as { verdict?: unknown; reason?: unknown }
  if (verdict === 'allow') return { verdict }
  if (verdict !== 'deny') return deny('the filter has given no verdict')
  return deny(typeof reason === 'string' && reason !== '' ? reason : 'the filter denies it')
}

function deny(reason: string): ExportVerdict {
  return { verdict: 'deny', reason }
}
