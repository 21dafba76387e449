const NAME = 'tailnet-identity'
const EXAMPLE = 'as { "users": ["ann@example.com", "*@example.org"], "tags": ["tag:web"] }'

/**
 * Lets in from the tailnet whoever is one of `users`, or a machine with one of `tags`. A user may be
 * written `*@example.com`, for everybody with a login name of that domain.
 *
 * @param {unknown} options `{ users?: string[], tags?: string[] }`, not both empty
 * @returns {import('@tailproxy/port-filter').Filter}
 */
export default function tailnetIdentity(options) {
  const { users, tags } = readOptions(options)
  const domains = users.filter((user) => user.startsWith('*@')).map((user) => user.slice(1))
  // As data it costs no question for each connection.
  if (domains.length === 0) return { name: NAME, static: { inbound: { users, tags } } }
  return {
    name: NAME,
    inbound({ peer }) {
      if (!peer) return { verdict: 'deny', reason: 'nobody can say who the peer is' }
      const user = peer.user?.toLowerCase()
      const isIn =
        (peer.user !== undefined && users.includes(peer.user)) ||
        domains.some((domain) => user?.endsWith(domain.toLowerCase())) ||
        peer.tags.some((tag) => tags.includes(tag))
      if (isIn) return { verdict: 'allow' }
      return { verdict: 'deny', reason: `${peer.user ?? peer.name} is not let in` }
    },
  }
}

/**
 * @param {unknown} options
 * @returns {{ users: readonly string[], tags: readonly string[] }}
 */
function readOptions(options) {
  if (typeof options !== 'object' || options === null) {
    throw new Error(`options have to be users and tags, ${EXAMPLE}`)
  }
  const { users = [], tags = [], ...others } = /** @type {Record<string, unknown>} */ (options)
  const [stranger] = Object.keys(others)
  if (stranger !== undefined) throw new Error(`options.${stranger} is unknown; write ${EXAMPLE}`)
  const read = { users: strings('users', users), tags: strings('tags', tags) }
  if (read.users.length + read.tags.length > 0) return read
  throw new Error(`options name nobody; write ${EXAMPLE}`)
}

/**
 * @param {'users' | 'tags'} key
 * @param {unknown} value
 * @returns {string[]}
 */
function strings(key, value) {
  // A star anywhere else would be taken for a letter, and let nobody in.
  const pattern = key === 'users' ? /^(\*@)?[^*]+$/ : /^tag:[^*]+$/
  const isRight =
    Array.isArray(value) && value.every((each) => typeof each === 'string' && pattern.test(each))
  if (isRight) return value
  throw new Error(`options.${key} is ${JSON.stringify(value)}; write ${EXAMPLE}`)
}
