import { expect } from 'vitest'
import { report, tailproxy } from '../tailproxy.ts'
import { test } from '../testing/surroundings.ts'

const hello = {
  ...{ id: 'n1', name: 'hello.fake.ts.net', addresses: ['100.64.0.1'], online: true },
  ...{ exitNodeOption: false, os: 'linux' },
}
const away = { ...hello, id: 'n2', name: 'away.fake.ts.net', online: false }

const statusOf = async (words: readonly string[]): Promise<number> =>
  (await tailproxy(['peers', ...words]).catch((error: unknown) => ({ status: report(error) })))
    .status

test('lists the other nodes', async ({ surroundings: { behave, said } }) => {
  behave({ peers: [hello, away] })
  expect(await statusOf([])).toBe(0)
  expect(said.stdout).toBe(
    `NAME               ADDRESS     OS     STATE    PATH  UP   DOWN
hello.fake.ts.net  100.64.0.1  linux  online   -     0 B  0 B
away.fake.ts.net   100.64.0.1  linux  offline  -     0 B  0 B
`,
  )
  said.stdout = ''
  await statusOf(['ls', '--json'])
  expect(JSON.parse(said.stdout)).toMatchObject({ peers: [{ id: 'n1' }, { id: 'n2' }] })
})

test('says how long an answer takes, and by which way it came', async ({
  surroundings: { behave, said },
}) => {
  behave({ peers: [hello] })
  expect(await statusOf(['ping', '-c', '2', 'hello'])).toBe(0)
  const line = 'hello.fake.ts.net (100.64.0.1): 0.25 ms, direct 127.0.0.1:41641\n'
  expect(said.stdout).toBe(line + line)
  said.stdout = ''
  await statusOf(['ping', '--count=1', '--json', 'hello'])
  expect(JSON.parse(said.stdout)).toMatchObject({ latencyMs: 0.25, path: { kind: 'direct' } })
})

test('fails by status 1 when no answer comes', async ({ surroundings: { behave, said } }) => {
  behave({ peers: [away] })
  expect(await statusOf(['ping', '-c', '1', 'away'])).toBe(1)
  expect(said).toEqual({ stdout: 'away.fake.ts.net did not answer\n', stderr: '' })
})

test.for([
  ['ping nobody', /^tailproxy: there is no peer "nobody"\n$/],
  ['ping', /^tailproxy: peers ping needs one peer/],
  ['ping a b', /^tailproxy: peers ping needs one peer/],
  ['ping -c 0 hello', /^tailproxy: --count is "0"; allowed is a number from 1 to 10000\n$/],
  ['-c 1', /^tailproxy: --count is for peers ping\n$/],
  ['hello', /^tailproxy: peers has no "hello"; use tailproxy peers, or peers ping NAME\n$/],
  ['ls all', /^tailproxy: peers ls takes no "all"\n$/],
] as const)('fails with 125 and the reason: %s', async ([words, reason], { surroundings }) => {
  surroundings.behave({ peers: [hello] })
  expect(await statusOf(words.split(' '))).toBe(125)
  expect(surroundings.said.stderr).toMatch(reason)
})
