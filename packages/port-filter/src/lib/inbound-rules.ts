import type { PeerIdentity } from './flow.ts'
import { quote } from './quote.ts'
import { ALLOW, deny, type Verdict } from './verdict.ts'

/** Who passes: a peer whose user is in `users` or that has one of `tags`. Both empty is nobody. */
export interface PeerList {
  readonly users: readonly string[]
  readonly tags: readonly string[]
}

export function decidePeer(list: PeerList, peer: PeerIdentity | undefined): Verdict {
  if (!peer) return deny('nobody can say who the peer is')
  if (peer.user !== undefined && list.users.includes(peer.user)) return ALLOW
  if (peer.tags.some((tag) => list.tags.includes(tag))) return ALLOW
  const who = [peer.user, ...peer.tags].filter((each) => each !== undefined).join(', ')
  const described = who === '' ? quote(peer.name) : `${quote(peer.name)} (${who})`
  return deny(`the peer ${described} is not among the users and tags that are let in`)
}

/**
 * The list that lets in exactly the peers that all of `lists` let in.
 *
 * @returns undefined when there is no such list, or it would be empty: the sidecar takes a list
 *   without users and tags for everybody
 */
export function intersectPeerLists(lists: readonly PeerList[]): PeerList | undefined {
  const [first, ...others] = lists
  let result = first
  for (const other of others) result = result && intersect(result, other)
  return result && isNobody(result) ? undefined : result
}

export function isNobody({ users, tags }: PeerList): boolean {
  return users.length === 0 && tags.length === 0
}

/**
 * A peer has one user and any number of tags, so it can pass the two lists by different ones: by
 * its user here and a tag there, or by two tags. No list says "this and that"; there is one only
 * when nobody could pass in that way.
 */
function intersect(a: PeerList, b: PeerList): PeerList | undefined {
  const usersOfOne = { a: without(a.users, b.users), b: without(b.users, a.users) }
  const tagsOfOne = { a: without(a.tags, b.tags), b: without(b.tags, a.tags) }
  if (usersOfOne.a && tagsOfOne.b) return undefined
  if (usersOfOne.b && tagsOfOne.a) return undefined
  if (tagsOfOne.a && tagsOfOne.b) return undefined
  return {
    users: a.users.filter((user) => b.users.includes(user)),
    tags: a.tags.filter((tag) => b.tags.includes(tag)),
  }
}

/** Whether `list` has something that `other` lacks. */
function without(list: readonly string[], other: readonly string[]): boolean {
  return list.some((each) => !other.includes(each))
}
