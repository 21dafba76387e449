import process from 'node:process'
import { defaultStateDirectory, SessionClient, sessionSocket } from '@tailproxy/session/host'
import { expect, vi } from 'vitest'
import { InterruptedError } from '../lib/interruption.ts'
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

test('shows it again and again, until it is interrupted', async ({ surroundings: { said } }) => {
  const serving = tailproxy(['--json']).catch((reason: unknown) => reason)
  await vi.waitFor(() => expect(said.stdout).toContain('"password"'), { timeout: 10_000 })
  said.stdout = ''
  const watching = tailproxy(['status', '--watch', '--json']).catch((reason: unknown) => reason)
  await vi.waitFor(() => expect(said.stdout.split('\n')).toHaveLength(3), { timeout: 10_000 })
  for (const line of said.stdout.trimEnd().split('\n')) {
    expect(JSON.parse(line)).toMatchObject({ state: 'running', flows: [] })
  }
  process.emit('SIGINT')
  expect(await watching).toBeInstanceOf(InterruptedError)
  await serving
})

test('stops to watch when the session has ended', async ({ surroundings: { said } }) => {
  const serving = tailproxy(['--json']).catch((reason: unknown) => reason)
  await vi.waitFor(() => expect(said.stdout).toContain('"password"'), { timeout: 10_000 })
  const watching = tailproxy(['status', '--watch']).catch((reason: unknown) => reason)
  await vi.waitFor(() => expect(said.stdout).toMatch(/^session +running/m), { timeout: 10_000 })
  await stopSession()
  expect(await watching).toMatchObject({ message: 'the session has ended', status: 125 })
  await serving
})

test('has nothing to watch where no session runs', async ({ surroundings: { said } }) => {
  const error = await tailproxy(['status', '--watch', '--json']).catch((reason: unknown) => reason)
  expect(report(error)).toBe(125)
  expect(said.stdout).toBe('')
})

async function stopSession(): Promise<void> {
  const socket = sessionSocket(defaultStateDirectory(''))
  await new SessionClient(socket ?? '').stop()
}
