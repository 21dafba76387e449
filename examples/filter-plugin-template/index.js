/**
 * Denies flows to names. Replace it by what you need; the types say what a hook is given.
 *
 * @param {unknown} options what the configuration has as "options" of this filter
 * @returns {import('@tailproxy/port-filter').Filter}
 */
export default function blockNames(options) {
  const blocked = readNames(options)
  return {
    name: 'block-names',
    outbound({ name }) {
      // No opinion: the filters behind this one decide.
      if (name === undefined || !blocked.has(name.toLowerCase())) return undefined
      return { verdict: 'deny', reason: `${name} is blocked` }
    },
  }
}

/**
 * What a configuration says may be anything. Throw: a filter that guesses lets through what was to
 * be kept out.
 *
 * @param {unknown} options
 * @returns {Set<string>}
 */
function readNames(options) {
  const { names } = /** @type {{ names?: unknown }} */ (options ?? {})
  if (Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string')) {
    return new Set(names.map((name) => name.toLowerCase()))
  }
  throw new Error('options.names has to be an array of names, as ["ads.example.com"]')
}
