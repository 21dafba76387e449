import process from 'node:process'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { say, showProgress } from './terminal.ts'

let said = ''

beforeEach(() => {
  said = ''
  vi.useFakeTimers()
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text
    return true
  })
})

afterEach(() => {
  vi.useRealTimers()
})

function onTerminal(isTTY: boolean): void {
  vi.spyOn(process, 'stderr', 'get').mockReturnValue(
    Object.assign(Object.create(process.stderr), { isTTY }),
  )
}

test('speaks on stderr, and says who speaks', () => {
  say('the node is up')
  expect(said).toBe('tailproxy: the node is up\n')
})

test('shows progress on a terminal after a moment, and takes it away', () => {
  onTerminal(true)
  const progress = showProgress('connecting')
  expect(said).toBe('')
  vi.advanceTimersByTime(500)
  expect(said).toBe('tailproxy: connecting…')
  progress.done()
  progress.done()
  expect(said).toBe('tailproxy: connecting…\r\u001b[K')
})

test('shows no progress of what is done at once', () => {
  onTerminal(true)
  showProgress('connecting').done()
  vi.runAllTimers()
  expect(said).toBe('')
})

test('shows no progress where there is no terminal', () => {
  onTerminal(false)
  showProgress('connecting')
  vi.runAllTimers()
  expect(said).toBe('')
})
