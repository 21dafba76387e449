import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { expect, vi } from 'vitest'
import { test } from '../testing/surroundings.ts'
import { notifyManager, passedSocket } from './service-manager.ts'

test('takes the socket that is meant for this process, and leaves the variables to no child', () => {
  const env = { LISTEN_FDS: '1', LISTEN_PID: String(process.pid), LISTEN_FDNAMES: 'x', OTHER: '1' }
  expect(passedSocket(env)).toBe(3)
  expect(env).toEqual({ OTHER: '1' })
})

test.for([
  ['none', {}],
  ['one of another process', { LISTEN_FDS: '1', LISTEN_PID: '1' }],
  ['no descriptor', { LISTEN_FDS: '0', LISTEN_PID: String(process.pid) }],
] as const)('takes %s for no socket', ([, env]) => {
  expect(passedSocket({ ...env })).toBeUndefined()
})

test('tells the service manager by its own program', async ({ surroundings: _, directory }) => {
  const told = path.join(directory, 'told')
  const program = path.join(directory, 'systemd-notify')
  writeFileSync(program, `#!/bin/sh\necho "$@" > ${told}\n`)
  chmodSync(program, 0o755)
  vi.stubEnv('PATH', `${directory}:${process.env['PATH']}`)
  vi.stubEnv('NOTIFY_SOCKET', '/run/notify')
  await notifyManager('READY=1')
  expect(readFileSync(told, 'utf8')).toBe(`--pid=${process.pid} READY=1\n`)
})

test('says so when that program is missing, and does nothing without a manager', async ({
  surroundings: { said },
  directory,
}) => {
  await notifyManager('READY=1')
  expect(said.stderr).toBe('')
  vi.stubEnv('PATH', directory)
  vi.stubEnv('NOTIFY_SOCKET', '/run/notify')
  await notifyManager('STOPPING=1')
  expect(said.stderr).toMatch(/^tailproxy: cannot tell the service manager STOPPING=1: .*ENOENT\n$/)
})
