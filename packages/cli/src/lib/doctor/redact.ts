import { isIPv6 } from 'node:net'

/** Words that are somebody's, and what stands for each. */
export type Known = readonly (readonly [word: string, kind: string])[]

/** In this order: what is part of another comes behind that. */
const PATTERNS: readonly (readonly [pattern: RegExp, kind: string])[] = [
  // Auth keys, OAuth secrets, and the keys of nodes and machines.
  [/\b(?:tskey|hskey)-[\w-]+|\b(?:node|m|disco|priv|nl)?key:[0-9a-f]{16,}/gi, 'key'],
  [/\b[0-9a-f]{32,}\b/gi, 'secret'],
  [/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, 'user'],
  [/\b[\w-]+(?:\.[\w-]+)*\.(?:ts\.net|tail-lab\.ts\.net|beta\.tailscale\.net)\b/gi, 'name'],
  [/(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]|\.\d)/g, 'address'],
]
/** What may be an address of IPv6; whether it is, is asked of Node. */
const WITH_COLONS = /(?<!\w)(?:[0-9a-f]{0,4}:){2,}[0-9a-f:.]*/gi
/** What is the same on every host says nothing of anybody. */
const PUBLIC = /^(?:127\.0\.0\.1|::1|0\.0\.0\.0|::)$/
const TAILSCALE = /(?:^|\.)(?:controlplane|login)\.tailscale\.com$/

/**
 * A text to show to strangers: names, addresses, keys and users in it are replaced, the same one by
 * the same word, so that it can be followed all the same.
 */
export function createRedactor(known: Known, home: string): (text: string) => string {
  const words = new Map<string, string>()
  const counts = new Map<string, number>()
  const replacement = (kind: string, word: string): string => {
    const key = `${kind} ${word.toLowerCase()}`
    const before = words.get(key)
    if (before !== undefined) return before
    const count = (counts.get(kind) ?? 0) + 1
    counts.set(kind, count)
    const made = `[${kind} ${count}]`
    words.set(key, made)
    return made
  }
  // Longer ones first: a name may begin another.
  const sorted = known
    .filter(([word]) => word.length > 1 && !TAILSCALE.test(word))
    .sort(([a], [b]) => b.length - a.length)
  return (text) => {
    let redacted = text
    if (home.length > 1) redacted = redacted.replaceAll(wholePath(home), '~')
    for (const [word, kind] of sorted) {
      redacted = redacted.replaceAll(wholeWord(word), () => replacement(kind, word))
    }
    redacted = redacted.replaceAll(WITH_COLONS, (word) => {
      // A sentence may go on behind it.
      const address = word.replace(/[.:]+$/, (end) => (isIPv6(word) ? end : ''))
      if (!isIPv6(address) || PUBLIC.test(address)) return word
      return replacement('address', address) + word.slice(address.length)
    })
    for (const [pattern, kind] of PATTERNS) {
      redacted = redacted.replaceAll(pattern, (word) =>
        PUBLIC.test(word) ? word : replacement(kind, word),
      )
    }
    return redacted
  }
}

function wholeWord(word: string): RegExp {
  return new RegExp(`(?<![\\w])${escapeRegExp(word)}(?![\\w])`, 'gi')
}

function wholePath(directory: string): RegExp {
  return new RegExp(`${escapeRegExp(directory.replace(/\/+$/, ''))}(?![\\w.-])`, 'g')
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
}
