import { distance } from 'fastest-levenshtein'

/** The candidate that a typing error of `word` most likely meant. */
export function nearestOf(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const steps = distance(word, candidate)
    if (steps < bestDistance) {
      best = candidate
      bestDistance = steps
    }
  }
  return best
}
