import { expect } from 'vitest'
import { report, tailproxy } from '../tailproxy.ts'
import { test } from '../testing/surroundings.ts'

test('says that no session runs', async ({ surroundings: { said } }) => {
  const error = await tailproxy(['status']).catch((reason: unknown) => reason)
  expect(report(error)).toBe(125)
  expect(said.stderr).toBe('tailproxy: no session runs with this state directory\n')
  await tailproxy(['status', '--json'])
  expect(JSON.parse(said.stdout)).toEqual({ state: 'stopped' })
})

test('takes no operand', async ({ surroundings: { said } }) => {
  const error = await tailproxy(['status', 'all']).catch((reason: unknown) => reason)
  expect(report(error)).toBe(125)
  expect(said.stderr).toBe('tailproxy: status takes no "all"\n')
})
