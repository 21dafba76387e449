import { createFilterChain } from '@tailproxy/port-filter'
import { testFilter } from '@tailproxy/port-filter/compliance'
import { describe, expect, test } from 'vitest'
import tailnetIdentity from './index.js'

testFilter('tailnet-identity with a list', {
  create: () => tailnetIdentity({ users: ['ann@example.com'], tags: ['tag:web'] }),
})
testFilter('tailnet-identity with a domain', {
  create: () => tailnetIdentity({ users: ['*@example.com'], tags: ['tag:web'] }),
})

/**
 * @param {unknown} options
 * @param {import('@tailproxy/port-filter').PeerIdentity} [peer]
 */
async function verdictOn(options, peer) {
  const verdict = await createFilterChain([tailnetIdentity(options)]).inbound({
    network: 'tcp',
    source: { address: '100.64.0.2', port: 40000 },
    destination: { address: '100.64.0.1', port: 8000 },
    export: 1,
    peer,
  })
  return verdict.verdict
}

const ann = { name: 'laptop', user: 'ann@example.com', tags: [] }
const web = { name: 'web-1', tags: ['tag:web', 'tag:prod'] }

describe.each([
  ['as data', ['ann@example.com']],
  ['with a hook', ['ann@example.com', '*@example.org']],
])('%s', (_, users) => {
  test('lets in a user who is named', async () => {
    expect(await verdictOn({ users }, ann)).toBe('allow')
    expect(await verdictOn({ users }, { ...ann, user: 'eve@example.com' })).toBe('deny')
  })

  test('lets in a machine with one of the tags', async () => {
    expect(await verdictOn({ users, tags: ['tag:prod'] }, web)).toBe('allow')
    expect(await verdictOn({ users, tags: ['tag:db'] }, web)).toBe('deny')
  })

  test('lets in nobody who is not known', async () => {
    expect(await verdictOn({ users, tags: ['tag:prod'] })).toBe('deny')
    expect(await verdictOn({ users }, { name: '', tags: [] })).toBe('deny')
  })
})

test.for([
  ['bob@example.org', 'allow'],
  ['Bob@Example.ORG', 'allow'],
  ['bob@evil-example.org', 'deny'],
  ['bob@example.org.evil.com', 'deny'],
  ['*@example.org.evil.com', 'deny'],
])('takes a star for everybody of the domain: %s, %s', async ([user, verdict]) => {
  expect(await verdictOn({ users: ['*@example.org'] }, { ...ann, user })).toBe(verdict)
})

test('costs no question as long as it has no star', () => {
  const listed = createFilterChain([tailnetIdentity({ users: ['ann@example.com'] })])
  expect(listed.needsAsking('inbound')).toBe(false)
  expect(listed.staticRules().inbound).toEqual({ users: ['ann@example.com'], tags: [] })
  const starred = createFilterChain([tailnetIdentity({ users: ['*@example.com'] })])
  expect(starred.needsAsking('inbound')).toBe(true)
})

test.for([
  [undefined, 'options have to be users and tags'],
  [{}, 'options name nobody'],
  [{ users: [] }, 'options name nobody'],
  [{ user: ['ann'] }, 'options.user is unknown'],
  [{ users: 'ann' }, 'options.users is "ann"'],
  [{ users: [''] }, 'options.users is [""]'],
  [{ users: ['*'] }, 'options.users is ["*"]'],
  [{ users: ['ann@*.com'] }, 'options.users is ["ann@*.com"]'],
  [{ tags: ['web'] }, 'options.tags is ["web"]'],
  [{ tags: ['tag:*'] }, 'options.tags is ["tag:*"]'],
])('refuses the options %j', ([options, message]) => {
  expect(() => tailnetIdentity(options)).toThrow(/** @type {string} */ (message))
})
