import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { report, tailproxy } from '../tailproxy.ts'
import { test } from '../testing/surroundings.ts'

test.for(['bash', 'zsh', 'fish'])('prints a script for %s', async (shell, { surroundings }) => {
  await tailproxy(['completions', shell])
  expect(surroundings.said.stdout).toContain(`made by: tailproxy completions ${shell}`)
  expect(surroundings.said.stdout).toContain('exit-node')
})

test('has the names of profiles, and none of what no session knows', async ({
  surroundings: { said },
  directory,
}) => {
  mkdirSync(path.join(directory, 'config/tailproxy/profiles'), { recursive: true })
  writeFileSync(path.join(directory, 'config/tailproxy/profiles/work.json'), '{}')
  await tailproxy(['completions', 'names', 'profiles'])
  expect(said.stdout).toBe('work\nnone\n')
  await tailproxy(['completions', 'names', 'exit-nodes'])
  expect(said).toEqual({ stdout: 'work\nnone\n', stderr: '' })
})

test.for([[], ['tcsh'], ['bash', 'zsh'], ['names']])(
  'refuses %s',
  async (words, { surroundings }) => {
    const error = await tailproxy(['completions', ...words]).catch((reason: unknown) => reason)
    expect(report(error)).toBe(125)
    expect(surroundings.said.stderr).toBe(
      'tailproxy: completions needs the name of a shell: bash, zsh or fish\n',
    )
  },
)
