/**
 * The candidate that somebody who wrote `word` most likely meant.
 *
 * @returns undefined when none is within two edits, or a third of the word's length
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.min(2, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    // No need to compare: each letter more or less is an edit.
    if (Math.abs(candidate.length - word.length) >= least) continue
    const edits = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (edits < least) {
      best = candidate
      least = edits
    }
  }
  return best
}

/** Letters to insert, delete, replace or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      const choices = [
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
      ]
      if (a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        choices.push(at(beforeLast, column - 2) + 1)
      }
      current.push(Math.min(...choices))
    }
    beforeLast = last
    last = current
  }
  return at(last, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
