import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import path from 'node:path'
import process from 'node:process'
import { expect, onTestFinished } from 'vitest'
import { hostTest as test } from '../testing/session.ts'
import { enterSession, sessionSocket, withRunningSession } from './enter-session.ts'
import { writeSessionFile } from './session-file.ts'
import { takeStartLock } from './start-lock.ts'

const SESSION = { hostname: 'laptop', controlUrl: '', onlyTailnet: false, udp: 'proxy' } as const
const JOIN = { command: ['true'], pid: process.pid, cwd: '/', settings: {} }
const never = () => Promise.reject(new Error('started another'))

/** Answers as a session would that is not of this version. */
async function serveOther(
  socket: string,
  answer: { status: number; body: object },
): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer.body))
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  onTestFinished(() => void server.close())
  return server
}

test('joins the session that runs', async ({ host }) => {
  const { stateDirectory } = await host()
  const { joined, leave } = await enterSession(stateDirectory, never, JOIN)
  expect(joined.run).toBe('run-1')
  leave()
})

test('starts one where none runs, once for all who come', async ({ host, directory }) => {
  const state = path.join(directory, 'state')
  let started = 0
  const start = async (): Promise<void> => {
    started += 1
    await host()
  }
  const all = await Promise.all(Array.from({ length: 10 }, () => enterSession(state, start, JOIN)))
  expect(started).toBe(1)
  expect(new Set(all.map(({ joined }) => joined.run)).size).toBe(10)
  for (const { leave } of all) leave()
  expect(existsSync(path.join(state, 'session.starting'))).toBe(false)
})

test('lets the next one try when a start failed', async ({ directory }) => {
  const state = path.join(directory, 'state')
  const failure = new Error('no')
  const start = () => Promise.reject(failure)
  await expect(enterSession(state, start, JOIN)).rejects.toBe(failure)
  await expect(enterSession(state, start, JOIN)).rejects.toBe(failure)
})

test('starts another in place of one that died', async ({ host, directory }) => {
  const state = path.join(directory, 'state')
  mkdirSync(state, { mode: 0o700 })
  // A number that no process can have.
  writeSessionFile(state, { ...SESSION, socket: path.join(state, 'session.sock') })
  const file = path.join(state, 'session.json')
  const dead = { ...JSON.parse(readFileSync(file, 'utf8')), pid: 2 ** 30 }
  writeFileSync(file, JSON.stringify(dead))
  writeFileSync(path.join(state, 'session.starting'), String(2 ** 30))
  const { leave } = await enterSession(state, async () => void (await host()), JOIN)
  leave()
})

test('asks nobody in a directory that is open to others', async ({ host }) => {
  const { stateDirectory } = await host()
  chmodSync(stateDirectory, 0o755)
  expect(() => sessionSocket(stateDirectory)).toThrow(/chmod 700/)
  chmodSync(stateDirectory, 0o700)
})

test('says so when the session is of another version', async ({ directory }) => {
  const state = path.join(directory, 'state')
  mkdirSync(state, { mode: 0o700 })
  const socket = path.join(state, 'session.sock')
  writeSessionFile(state, { ...SESSION, socket })
  const message = 'this session speaks version 9 of its socket; end it with tailproxy down'
  const body = { error: { code: 'version', message } }
  const server = await serveOther(socket, { status: 400, body })
  await expect(enterSession(state, never, JOIN)).rejects.toMatchObject({
    code: 'ERR_SESSION_REFUSED',
    reason: 'version',
    message,
  })
  server.close()
})

test('waits for a session that a service manager starts when it is asked', async ({
  directory,
}) => {
  const state = path.join(directory, 'state')
  mkdirSync(state, { mode: 0o700 })
  await serveOther(path.join(state, 'session.sock'), { status: 200, body: {} })
  expect(await withRunningSession(state, never, async (socket) => socket)).toBe(
    path.join(state, 'session.sock'),
  )
})

test('takes over the lock of a dead process, and no other', ({ directory }) => {
  const lock = path.join(directory, 'lock')
  const unlock = takeStartLock(lock)
  expect(unlock).toBeDefined()
  expect(takeStartLock(lock)).toBeUndefined()
  unlock?.()
  writeFileSync(lock, String(2 ** 30))
  expect(takeStartLock(lock)).toBeDefined()
})
