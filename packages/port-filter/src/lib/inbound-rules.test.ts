import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PeerIdentity } from './flow.ts'
import { decidePeer, intersectPeerLists, isNobody, type PeerList } from './inbound-rules.ts'

const USERS = ['ann', 'bob', 'cy']
const TAGS = ['tag:a', 'tag:b', 'tag:c']

const peerLists = fc.record({ users: fc.subarray(USERS), tags: fc.subarray(TAGS) })

/** Every peer there can be with these users and tags. */
const everyPeer: PeerIdentity[] = [undefined, ...USERS].flatMap((user) =>
  Array.from({ length: 8 }, (_, bits) => ({
    name: 'peer',
    user,
    tags: TAGS.filter((_, at) => bits & (1 << at)),
  })),
)

const passes = (list: PeerList, peer: PeerIdentity) => decidePeer(list, peer).verdict === 'allow'

test('an intersection lets in exactly the peers that every list lets in', () => {
  fc.assert(
    fc.property(fc.array(peerLists, { minLength: 1, maxLength: 3 }), (lists) => {
      const list = intersectPeerLists(lists)
      if (!list) return
      expect(isNobody(list)).toBe(false)
      for (const peer of everyPeer) {
        expect(passes(list, peer)).toBe(lists.every((each) => passes(each, peer)))
      }
    }),
  )
})

test('two lists have no intersection only when no list but an empty one would do', () => {
  fc.assert(
    fc.property(peerLists, peerLists, (a, b) => {
      if (intersectPeerLists([a, b])) return
      const wanted = everyPeer.map((peer) => passes(a, peer) && passes(b, peer))
      for (let users = 0; users < 8; users++) {
        for (let tags = 0; tags < 8; tags++) {
          const list = {
            users: USERS.filter((_, at) => users & (1 << at)),
            tags: TAGS.filter((_, at) => tags & (1 << at)),
          }
          if (isNobody(list)) continue
          expect(everyPeer.map((peer) => passes(list, peer))).not.toEqual(wanted)
        }
      }
    }),
    { numRuns: 50 },
  )
})

test('lets nobody in by an empty list, nor anybody who is not known', () => {
  for (const peer of everyPeer) {
    expect(decidePeer({ users: [], tags: [] }, peer).verdict).toBe('deny')
  }
  expect(decidePeer({ users: USERS, tags: TAGS }, undefined)).toEqual({
    verdict: 'deny',
    reason: 'nobody can say who the peer is',
  })
})

test('says who was not let in', () => {
  const peer = { name: 'laptop.example.ts.net', user: 'eve', tags: [] }
  expect(decidePeer({ users: ['ann'], tags: [] }, peer)).toEqual({
    verdict: 'deny',
    reason:
      'the peer "laptop.example.ts.net" (eve) is not among the users and tags that are let in',
  })
})
