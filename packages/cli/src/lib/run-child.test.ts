import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import inspector from 'node:inspector'
import path from 'node:path'
import process from 'node:process'
import { expect } from 'vitest'
import { test } from '../testing/surroundings.ts'
import { type ChildExit, runChild } from './run-child.ts'

const SIGNALS = [
  'SIGTERM',
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGCONT',
  'SIGWINCH',
]

function sh(script: string, ...args: string[]): Promise<ChildExit> {
  return runChild({ file: '/bin/sh', words: ['sh', '-c', script, 'sh', ...args], env: process.env })
}

test.for([0, 1, 42, 125, 255])('resolves to the status %i of the command', async (status) => {
  expect(await sh(`exit ${status}`)).toEqual({ status, signal: null })
})

test.for(['SIGKILL', 'SIGTERM', 'SIGSEGV'] as const)(
  'resolves to the signal %s that ended it',
  async (signal) => {
    expect(await sh(`kill -${signal.slice(3)} $$`)).toMatchObject({ signal })
  },
)

test('gives the command its words, its first word included, and its environment', async ({
  directory,
}) => {
  const file = path.join(directory, 'said')
  const script = `printf '%s\\n' "$0" "$1" "$WHO" > "$2"; tr '\\0' ' ' < /proc/$$/cmdline >> "$2"`
  await runChild({
    file: '/bin/sh',
    words: ['my-shell', '-c', script, 'zero', 'o n e', file],
    env: { PATH: process.env['PATH'], WHO: 'me' },
  })
  const [zero, one, who, cmdline] = readFileSync(file, 'utf8').split('\n')
  expect([zero, one, who]).toEqual(['zero', 'o n e', 'me'])
  expect(cmdline).toMatch(/^my-shell /)
})

/** A command that ends with 42 by `signal`, and makes `ready` when it would. */
function waiting(signal: string, ready: string): Promise<ChildExit> {
  return sh(
    `trap 'exit 42' ${signal}; : > "$1"; while kill -0 ${process.pid}; do sleep 0.02; done`,
    ready,
  )
}

test.for(['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const)(
  'hands %s on to the command',
  async (signal, { directory }) => {
    const ready = path.join(directory, 'ready')
    const exit = waiting(signal.slice(3), ready)
    await expect.poll(() => existsSync(ready)).toBe(true)
    process.kill(process.pid, signal)
    expect(await exit).toEqual({ status: 42, signal: null })
  },
)

test('keeps SIGUSR1 from starting the inspector', async ({ directory }) => {
  const ready = path.join(directory, 'ready')
  const exit = waiting('USR1', ready)
  await expect.poll(() => existsSync(ready)).toBe(true)
  process.kill(process.pid, 'SIGUSR1')
  await exit
  expect(inspector.url()).toBeUndefined()
})

test('leaves no signal handler behind', async () => {
  const before = SIGNALS.map((signal) => process.listenerCount(signal))
  await sh('exit 0')
  await runChild({ file: '/nonexistent', words: ['x'], env: {} }).catch(() => {})
  expect(SIGNALS.map((signal) => process.listenerCount(signal))).toEqual(before)
})

test('says that a command is not there', async () => {
  await expect(runChild({ file: '/nonexistent', words: ['tool'], env: {} })).rejects.toMatchObject({
    code: 'ERR_COMMAND_NOT_FOUND',
    message: 'tool: command not found',
  })
})

test('says that a command may not be executed', async ({ directory }) => {
  const file = path.join(directory, 'tool')
  writeFileSync(file, '', { mode: 0o644 })
  await expect(runChild({ file, words: ['tool'], env: {} })).rejects.toMatchObject({
    code: 'ERR_COMMAND_NOT_EXECUTABLE',
    message: 'tool: permission denied',
  })
})

test('says that a command has more arguments than the kernel takes', async () => {
  const words = ['true', 'x'.repeat(3_000_000)]
  await expect(runChild({ file: '/bin/true', words, env: {} })).rejects.toMatchObject({
    code: 'ERR_COMMAND_NOT_EXECUTABLE',
    message: 'true: its arguments and environment are too long',
  })
})
