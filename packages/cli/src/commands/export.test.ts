import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import process from 'node:process'
import { expect, onTestFinished, vi } from 'vitest'
import { InterruptedError } from '../lib/interruption.ts'
import { report, tailproxy } from '../tailproxy.ts'
import { test } from '../testing/surroundings.ts'

async function listening(): Promise<number> {
  const server = createServer((socket) => socket.end())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

/** `tailproxy export` as it runs, until Ctrl-C. */
async function serving(words: string[], said: { stdout: string }) {
  const ended = tailproxy(words).catch((error: unknown) => error)
  await vi.waitFor(() => expect(said.stdout).not.toBe(''), { timeout: 20_000 })
  return {
    async interrupt() {
      process.emit('SIGINT')
      expect(await ended).toBeInstanceOf(InterruptedError)
    },
  }
}

test('serves a port until Ctrl-C', async ({ surroundings: { said } }) => {
  const port = await listening()
  const command = await serving(['export', String(port)], said)
  expect(said.stdout).toMatch(
    new RegExp(`^\\S+:${port} \\(.*\\) leads to 127.0.0.1:${port} and \\[::1\\]:${port}\nCtrl-C`),
  )
  await command.interrupt()
})

test('adds to the session that runs, lists and removes', async ({ surroundings: { said } }) => {
  const [first, second] = [await listening(), await listening()]
  const command = await serving(['export', String(first)], said)
  said.stdout = ''
  vi.stubEnv('TAILPROXY_FOREGROUND', '')
  await tailproxy(['export', `127.0.0.1:${second}`])
  expect(said.stdout).toMatch(new RegExp(`^${second} +127\\.0\\.0\\.1:${second} `, 'm'))
  said.stdout = ''
  await tailproxy(['export', 'ls', '--json'])
  const { exports } = JSON.parse(said.stdout)
  expect(exports.map(({ port }: { port: number }) => port).sort()).toEqual([first, second].sort())
  await tailproxy(['export', 'rm', String(first), String(second)])
  said.stdout = ''
  await tailproxy(['export', 'ls'])
  expect(said.stdout).toBe('nothing is exported\n')
  await command.interrupt()
})

test('exports a port of UDP beside that of TCP', async ({ surroundings: { said } }) => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  onTestFinished(() => void socket.close())
  const { port } = socket.address()
  const command = await serving(['export', `${port}/udp`, String(port)], said)
  expect(said.stdout).toMatch(
    new RegExp(`^\\S+:${port}/udp \\(.*\\) leads to 127.0.0.1:${port} and`),
  )
  expect(said.stderr).toMatch(/^tailproxy: nothing listens on [^\n]+ yet\n$/)
  said.stdout = ''
  await tailproxy(['export', 'ls'])
  expect(said.stdout).toMatch(new RegExp(`^${port}  .*\n${port}/udp  `, 'm'))
  await tailproxy(['export', 'rm', `${port}/udp`])
  await expect(tailproxy(['export', 'rm', `${port}/udp`])).rejects.toThrow(/\/udp is not exported/)
  said.stdout = ''
  await tailproxy(['status', '--json'])
  expect(JSON.parse(said.stdout).exports).toMatchObject([{ network: 'tcp', port }])
  await command.interrupt()
})

test('says when nobody has a port of UDP', async ({ surroundings: { said } }) => {
  const command = await serving(['export', '127.0.0.1:9/udp'], said)
  expect(said.stderr).toBe('tailproxy: no socket of UDP is bound to 127.0.0.1:9 yet\n')
  await command.interrupt()
})

test('says when nobody listens there', async ({ surroundings: { said } }) => {
  const command = await serving(['export', '127.0.0.1:9'], said)
  expect(said.stderr).toBe('tailproxy: nothing listens on 127.0.0.1:9 yet\n')
  await command.interrupt()
})

test('is part of the session’s status', async ({ surroundings: { said } }) => {
  const port = await listening()
  const command = await serving(['export', String(port)], said)
  said.stdout = ''
  await tailproxy(['status'])
  expect(said.stdout).toMatch(
    /^session +running, for 0 s; process \d+, TailProxy \S+\nnode +\S+\.ts\.net, 100\./,
  )
  expect(said.stdout).toMatch(/^exports +1\n(.+\n)*\nPORT/m)
  said.stdout = ''
  await tailproxy(['status', '--json'])
  expect(JSON.parse(said.stdout)).toMatchObject({ state: 'running', exports: [{ port }] })
  await command.interrupt()
})

test('lists nothing where no session runs', async ({ surroundings: { said } }) => {
  await tailproxy(['export', 'ls'])
  expect(said.stdout).toBe('nothing is exported\n')
})

test.for([
  ['export', /export needs a port/],
  ['export 80a', /80a/],
  ['export 53/sctp', /"53\/sctp".*53\/udp/],
  ['export ls 80', /takes no "80"/],
  ['export rm', /export rm needs a port/],
  ['export rm 8080', /8080 is not exported/],
  ['--export-tag=web export 80', /--export-tag is \["web"\]; allowed is/],
  ['--export-deny-ports=1-2-3 export 80', /--export-deny-ports: .*1-2-3/],
] as const)(
  'fails with 125 and one line for "%s"',
  async ([line, message], { surroundings: { said } }) => {
    const error = await tailproxy(line.split(' ')).catch((reason: unknown) => reason)
    expect(report(error)).toBe(125)
    expect(said.stderr).toMatch(/^tailproxy: [^\n]+\n$/)
    expect(said.stderr).toMatch(message)
  },
)

test('fails with the reason when the port is taken', async ({ surroundings: { said, behave } }) => {
  behave({ takenPorts: { 22: "port 22 is the node's own" } })
  const error = await tailproxy(['export', '22']).catch((reason: unknown) => reason)
  expect(report(error)).toBe(125)
  expect(said.stderr).toBe("tailproxy: port 22 cannot be exported: port 22 is the node's own\n")
})

test('has settings of its own in the session that runs, but is of the same node', async ({
  surroundings: { said },
}) => {
  const [first, second] = [await listening(), await listening()]
  const command = await serving(['export', String(first)], said)
  vi.stubEnv('TAILPROXY_FOREGROUND', '')
  const denied = ['export', `--export-deny-ports=${second}`, String(second)]
  await expect(tailproxy(denied)).rejects.toThrow(
    /cannot be exported: port \d+ is on the deny list/,
  )
  await tailproxy(['export', String(second)])
  await expect(tailproxy(['--hostname=other', 'export', '80'])).rejects.toThrow(
    /--hostname is "other", but the session that runs has "tailproxy"/,
  )
  await command.interrupt()
})

test('takes everything down when it cannot be found by others', async ({
  surroundings: { said },
  directory,
}) => {
  const state = path.join(directory, 'own-state')
  mkdirSync(path.join(state, 'session.sock'), { recursive: true, mode: 0o700 })
  for (const words of [['export', '80'], ['true'], []]) {
    said.stderr = ''
    const error = await tailproxy([`--state-dir=${state}`, ...words]).catch((reason) => reason)
    expect(report(error)).toBe(125)
    expect(said.stderr).toMatch(/^tailproxy: [^\n]*session\.sock[^\n]*\n$/)
  }
  expect(readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')).toBe('')
})
