import { expect } from 'vitest'
import { test } from '../support/profile.ts'

/** An address that only the lab's exit nodes reach (RFC 5737). */
const OUTSIDE = 'http://198.51.100.1/'

test('an exit node is chosen for commands that run and for sessions to come', async ({
  profile,
  tailnet: { lab },
}) => {
  await lab.addNode('second', [], { exitNode: 'approved' })
  const chosen = await profile.run(['exit-node', 'set', 'nobody,second,exit'])
  expect(chosen).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^second\.\S+ is the exit node, and answers\n$/),
  })
  const { stdout: listed } = await profile.run(['exit-node', 'ls'])
  expect(listed).toMatch(/^ {3}exit\.\S+ +100\.\S+ +online/m)
  expect(listed).toMatch(/^\* {2}second\.\S+ +100\.\S+ +online/m)
  expect((await profile.run(['curl', '-s', OUTSIDE])).stdout).toContain('second')
  await profile.run(['down'])
  const { stdout } = await profile.run(['curl', '-s', OUTSIDE])
  expect(stdout).toContain('second')
  expect((await profile.run(['exit-node', 'set', 'exit'])).status).toBe(0)
  expect((await profile.run(['curl', '-s', OUTSIDE])).stdout).not.toContain('second')
  expect((await profile.run(['status'])).stdout).toMatch(/^exit node +exit\.\S+, up$/m)
  expect(await profile.run(['exit-node', 'off'])).toMatchObject({ status: 0 })
  expect((await profile.run(['--only-tailnet', 'curl', '-s', OUTSIDE])).status).not.toBe(0)
})

test('a choice that cannot be is refused with the reason, and nothing changes', async ({
  profile,
}) => {
  await profile.run(['exit-node', 'set', 'exit'])
  for (const [name, reason] of [
    ['exot', /did you mean exit/],
    ['hello', /not an exit node/],
  ] as const) {
    const { status, stdout, stderr } = await profile.run(['exit-node', 'set', name])
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' })
    expect(stderr).toMatch(reason)
  }
  const { stdout } = await profile.run(['exit-node', 'ls', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ exitNode: { state: 'up', wanted: ['exit'] } })
})

test('a flag that differs from the choice is refused; one that is the same is not', async ({
  profile,
}) => {
  await profile.run(['exit-node', 'set', 'exit'])
  expect(await profile.run(['--exit-node=exit', 'true'])).toMatchObject({ status: 0 })
  expect(await profile.run(['--exit-node=other', 'true'])).toMatchObject({
    status: 125,
    stderr: expect.stringMatching(
      /--exit-node is "other", but .* has "exit"; .*tailproxy exit-node set/,
    ),
  })
})
