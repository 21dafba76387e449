import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, vi } from 'vitest'
import { report, tailproxy } from '../tailproxy.ts'
import { test } from '../testing/surroundings.ts'

const exitNodes = [
  {
    id: 'n4',
    name: 'berlin.fake.ts.net',
    addresses: ['100.64.0.4'],
    online: true,
    location: { country: 'Germany', city: 'Berlin' },
  },
  { id: 'n5', name: 'paris.fake.ts.net', addresses: ['100.64.0.5'], online: false },
]

const statusOf = async (words: readonly string[]): Promise<number> =>
  (await tailproxy(['exit-node', ...words]).catch((error: unknown) => ({ status: report(error) })))
    .status

test('lists those there are, and marks the one that is set', async ({
  surroundings: { behave, said },
}) => {
  behave({ exitNodes })
  await tailproxy(['exit-node', 'set', 'berlin'])
  expect(said.stdout).toBe('berlin.fake.ts.net is the exit node, and answers\n')
  said.stdout = ''
  // A foreground session of its own, which begins with what was chosen.
  await tailproxy(['exit-node'])
  expect(said.stdout).toBe(
    `   NAME                ADDRESS     STATE    WHERE
*  berlin.fake.ts.net  100.64.0.4  online   Berlin, Germany
   paris.fake.ts.net   100.64.0.5  offline  -
`,
  )
  said.stdout = ''
  await tailproxy(['exit-node', 'ls', '--json'])
  expect(JSON.parse(said.stdout)).toMatchObject({
    nodes: [{ id: 'n4', selected: true }, { id: 'n5' }],
    exitNode: { state: 'up', wanted: ['berlin'] },
  })
  expect(said.stderr).toBe('')
})

test('says that there is none', async ({ surroundings: { said } }) => {
  await tailproxy(['exit-node', 'ls'])
  expect(said.stdout).toMatch(/^this tailnet has no exit nodes/)
})

test('takes the first of several that can be used, and the local network when asked to', async ({
  surroundings: { behave, said },
  directory,
}) => {
  behave({ exitNodes })
  const words = ['set', 'paris,auto', 'berlin', '--exit-node-allow-lan-access', '--json']
  expect(await statusOf(words)).toBe(0)
  expect(JSON.parse(said.stdout)).toMatchObject({ exitNode: { name: 'berlin.fake.ts.net' } })
  const file = path.join(directory, 'state/tailproxy/default/exit-node.json')
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
    nodes: ['paris', 'auto', 'berlin'],
    lanAccess: true,
  })
  expect(await statusOf(['off'])).toBe(0)
  expect(said.stdout).toMatch(
    /\nno exit node: what is not for the tailnet leaves from this host\n$/,
  )
  expect(existsSync(file)).toBe(false)
})

test.for([
  ['set paris', /^tailproxy: paris is offline\n$/],
  ['set rome', /^tailproxy: there is no node "rome"\n$/],
  ['set', /^tailproxy: exit-node set needs a node/],
  ['set ,', /^tailproxy: exit-node set needs a node/],
  ['berlin', /^tailproxy: exit-node has no "berlin"; use ls, set NODE…, auto, off or suggest\n$/],
  ['off now', /^tailproxy: exit-node off takes no "now"\n$/],
] as const)('fails with 125 and the reason: %s', async ([words, reason], { surroundings }) => {
  surroundings.behave({ exitNodes })
  expect(await statusOf(words.split(' '))).toBe(125)
  expect(surroundings.said.stderr).toMatch(reason)
})

test('begins with the choice, not with what settings say and may be down', async ({
  surroundings: { behave, said },
}) => {
  behave({ exitNodes })
  vi.stubEnv('TAILPROXY_EXIT_NODE', 'paris')
  expect(await statusOf(['auto'])).toBe(0)
  expect(said.stderr).toBe('tailproxy: TAILPROXY_EXIT_NODE is "paris": the next session has that\n')
})

test('suggests one, or fails', async ({ surroundings: { behave, said } }) => {
  behave({ exitNodes })
  expect(await statusOf(['suggest'])).toBe(0)
  expect(said.stdout).toBe('berlin.fake.ts.net\n')
  behave({})
  expect(await statusOf(['suggest'])).toBe(1)
  expect(said.stderr).toMatch(/there is no exit node to suggest/)
})
