import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { tellProgress } from './tell-progress.ts'

let said: string

beforeEach(() => {
  said = ''
  vi.useFakeTimers()
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text
    return true
  })
})

afterEach(() => void vi.useRealTimers())

test('says for what it still waits after a while, once', () => {
  const { onWait, done } = tellProgress({})
  vi.advanceTimersByTime(4_000)
  expect(said).toBe('')
  vi.advanceTimersByTime(60_000)
  done()
  expect(said).toBe("tailproxy: still waiting for Tailscale's control server; Ctrl-C gives up\n")
  onWait({ event: 'state', state: 'needs-login', url: 'https://login.example/a' })
  expect(said).toContain('to log this node in, open https://login.example/a\n')
})

test('says that the clock is in the past, by which no certificate is valid', () => {
  vi.setSystemTime(new Date('1970-01-01T00:00:10Z'))
  const { done } = tellProgress({})
  vi.advanceTimersByTime(6_000)
  done()
  expect(said).toMatch(/ control server \(this host's clock says 1970-01-01, .*: set it\); Ctrl-C/)
})

test('says nothing when it is done before', () => {
  const { done } = tellProgress({})
  done()
  vi.advanceTimersByTime(60_000)
  expect(said).toBe('')
})
