import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { test as base, expect } from 'vitest'
import { fakeSidecar } from '../fake.ts'
import { peerCredentials } from './peer-credentials.ts'

/** A connection as its server has it, of which the client has sent "hello". */
const test = base.extend<{ accepted: Socket }>({
  accepted: async ({}, use) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'credentials-'))
    const server = createServer({ pauseOnConnect: true })
    server.listen(path.join(directory, 's'))
    await once(server, 'listening')
    const connection = once(server, 'connection')
    const client = connect(path.join(directory, 's'))
    await once(client, 'connect')
    client.write('hello')
    client.resume().on('error', () => {})
    const [accepted] = (await connection) as [Socket]
    await use(accepted)
    client.destroy()
    accepted.destroy()
    server.close()
    rmSync(directory, { recursive: true })
  },
})

const scripted = (script: string) => ({ binary: process.execPath, args: ['-e', script] })

test('says who connected, and leaves what they sent', async ({ accepted }) => {
  expect(await peerCredentials(accepted, fakeSidecar())).toEqual({
    pid: process.pid,
    uid: process.geteuid?.(),
    gid: process.getegid?.(),
  })
  accepted.resume()
  expect(String((await once(accepted, 'data'))[0])).toBe('hello')
  accepted.end('answer')
  await once(accepted, 'close')
})

test('hands the very connection over, as descriptor 3', async ({ accepted }) => {
  const script =
    'require("node:fs").writeSync(3, "lent"); console.log(JSON.stringify({ pid: 1, uid: 2, gid: 3 }))'
  expect(await peerCredentials(accepted, scripted(script))).toEqual({ pid: 1, uid: 2, gid: 3 })
})

test.for([
  ['cannot be started', { binary: '/nonexistent/sidecar' }, 'ERR_SIDECAR_SPAWN', 'no such file'],
  ['takes too long', scripted('setInterval(() => {}, 1000)'), 'ERR_SIDECAR_SPAWN', 'within 300 ms'],
  [
    'fails',
    scripted('console.error("no socket"); process.exit(2)'),
    'ERR_SIDECAR_EXITED',
    'no socket',
  ],
  ['says nothing', scripted(''), 'ERR_SIDECAR_PROTOCOL', 'unknown shape'],
  [
    'says nonsense',
    scripted('console.log("{\\"uid\\":-1}")'),
    'ERR_SIDECAR_PROTOCOL',
    'unknown shape',
  ],
] as const)('rejects when the sidecar %s', async ([, command, code, message], { accepted }) => {
  // Nothing is said of how long a Node takes to start: only what never answers has this little time.
  const timeout = message.startsWith('within') ? { timeout: 300 } : {}
  await expect(peerCredentials(accepted, command, timeout)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message),
  })
})

test('rejects when the connection has ended already', async ({ accepted }) => {
  accepted.destroy()
  await once(accepted, 'close')
  await expect(peerCredentials(accepted, fakeSidecar())).rejects.toMatchObject({
    code: 'ERR_SIDECAR_SPAWN',
  })
})
