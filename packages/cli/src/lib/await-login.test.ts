import type { JoinWait, RunWaits } from '@tailproxy/session/host'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { settingsGiven } from '../testing/settings.ts'
import { awaitLogin } from './await-login.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const raw = settingsGiven({ timeout: '90s' })
const never = new AbortController().signal

/** Waits for ever, in these states. */
function waitingIn(...states: Omit<RunWaits, 'event'>[]) {
  return ({ onWait, signal }: JoinWait): Promise<never> =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      for (const state of states) onWait({ event: 'state', ...state })
    })
}

async function failureOf(
  states: Omit<RunWaits, 'event'>[],
  wait: { waitsForApproval?: boolean } = {},
): Promise<unknown> {
  const login = awaitLogin(raw, { onWait: () => {}, signal: never, ...wait }, waitingIn(...states))
  const failed = login.catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(90_000)
  return failed
}

test.for([
  [[], 125, 'the node is not up within 1 min 30 s: it is starting; tailproxy doctor finds out why'],
  [[{ state: 'needs-login' }], 10, 'nobody logged this node in within 1 min 30 s'],
  [
    [{ state: 'needs-login' }, { state: 'needs-approval' }],
    11,
    'this node waits for an administrator of its tailnet to approve it; nobody did within 1 min 30 s',
  ],
  [
    [{ state: 'needs-login', detail: 'key-expired', url: 'https://log.in/1' }],
    12,
    'the key of this node has expired, and nobody logged it in again within 1 min 30 s',
  ],
] as const)('after the time of states %o it fails with %i', async ([states, status, message]) => {
  expect(await failureOf([...states])).toMatchObject({ status, message })
})

test('waits for approval as long as for login, if there is a limit or it is to', async () => {
  const states = [{ state: 'needs-approval' }]
  expect(await failureOf(states)).toMatchObject({ status: 11 })
  const seen: string[] = []
  const controller = new AbortController()
  const reason = new Error('seen enough')
  const onWait = ({ state }: RunWaits): void => void seen.push(state)
  const wait = { onWait, signal: controller.signal, waitsForApproval: true }
  const login = awaitLogin({}, wait, waitingIn(...states))
  controller.abort(reason)
  await expect(login).rejects.toBe(reason)
  expect(seen).toEqual(['needs-approval'])
})

test('resolves to what it waited for, and stops no one later', async () => {
  const wait = { onWait: () => {}, signal: never }
  expect(await awaitLogin(raw, wait, async () => 'up')).toBe('up')
  expect(vi.getTimerCount()).toBe(0)
})
