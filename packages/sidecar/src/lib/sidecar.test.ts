import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { test as base, expect, vi } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { type FakeSidecarBehaviour, fakeSidecar } from '../fake.ts'
import type { RunPolicy } from './node-messages.ts'
import { Sidecar, type SidecarOptions } from './sidecar.ts'

type Spawn = (
  behaviour?: FakeSidecarBehaviour,
  options?: Partial<SidecarOptions>,
) => Promise<Sidecar>

const test = base.extend<{ spawn: Spawn; directory: string }>({
  spawn: async ({}, use) => {
    const spawned: Sidecar[] = []
    await use(async (behaviour, options) => {
      const sidecar = await Sidecar.spawn({ ...fakeSidecar(behaviour), ...options })
      spawned.push(sidecar)
      return sidecar
    })
    await Promise.all(spawned.map((sidecar) => sidecar.stop(0)))
  },
  directory: async ({}, use) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'sidecar-'))
    await use(directory)
    rmSync(directory, { recursive: true })
  },
})

const START = { hostname: 'laptop', stateDir: '/nonexistent', ephemeral: false }

/** Commands that run a script in place of a sidecar; descriptor 3 is theirs to use. */
function scripted(script: string): SidecarOptions {
  return { binary: process.execPath, args: ['-e', script] }
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('shakes hands and is ready for requests', async ({ spawn }) => {
  const sidecar = await spawn()
  expect(sidecar.hello).toEqual({
    protocol: 1,
    version: manifest.version,
    tailscale: 'none',
    pid: sidecar.pid,
    role: 'node',
  })
  expect(await sidecar.status()).toMatchObject({ state: 'stopped', flows: 0 })
})

test('brings a node up, and tells of the states on the way', async ({ spawn }) => {
  const sidecar = await spawn({ states: ['starting', 'needs-login'], authUrl: 'https://log.in/1' })
  const states: string[] = []
  const urls: string[] = []
  sidecar.on('state', ({ state }) => states.push(state))
  sidecar.on('authUrl', (url) => urls.push(url))
  const node = await sidecar.start(START)
  expect(node).toMatchObject({ hostname: 'laptop', addresses: ['100.64.0.9'] })
  expect(states).toEqual(['starting', 'needs-login', 'running'])
  expect(urls).toEqual(['https://log.in/1'])
})

test('rejects a start with the code of the sidecar', async ({ spawn }) => {
  const sidecar = await spawn({ startFailure: { code: 'denied', message: 'key has expired' } })
  await expect(sidecar.start(START)).rejects.toMatchObject({ reason: 'denied', method: 'start' })
})

test('a start ends with its signal, and the sidecar can still be stopped', async ({ spawn }) => {
  const sidecar = await spawn({ neverStarts: true })
  const controller = new AbortController()
  const started = sidecar.start(START, controller.signal)
  const reason = new Error('never mind')
  controller.abort(reason)
  await expect(started).rejects.toBe(reason)
  expect(await sidecar.stop()).toEqual({ code: 0, signal: null })
})

test('resolves names and addresses', async ({ spawn }) => {
  const sidecar = await spawn({ names: { hello: ['100.64.0.1', 'fd7a:115c:a1e0::1'] } })
  expect(await sidecar.resolve({ name: 'hello', types: ['A'] })).toMatchObject({
    addresses: ['100.64.0.1'],
  })
  expect(await sidecar.resolve({ name: '100.64.0.1', types: ['PTR'] })).toMatchObject({
    names: ['hello'],
  })
  expect(await sidecar.resolve({ name: 'nobody', types: ['A', 'AAAA'] })).toMatchObject({
    addresses: [],
  })
})

test('asks after peers and file capabilities', async ({ spawn }) => {
  const sidecar = await spawn({ withCapabilities: ['/bin/ping'] })
  expect(await sidecar.peers()).toEqual([])
  expect(await sidecar.fileCapabilities('/bin/ping')).toBe(true)
  expect(await sidecar.fileCapabilities('/bin/sh')).toBe(false)
})

test('serves dials, and says whether programs can connect by them', async ({
  spawn,
  directory,
}) => {
  const dials = { tarpit: 'ipv4', detail: 'there is no ::1' } as const
  const sidecar = await spawn({ dials })
  const socket = path.join(directory, 'dial.sock')
  expect(await sidecar.serveDials(socket)).toEqual(dials)
  expect(statSync(socket).isSocket()).toBe(true)
})

test('registers a run once, and forgets it', async ({ spawn }) => {
  const sidecar = await spawn()
  const policy: RunPolicy = { onlyTailnet: false, bypass: [], ask: false, udp: 'proxy' }
  const token = 'x'.repeat(32)
  await sidecar.register('run-1', token, policy)
  await expect(sidecar.register('run-1', token, policy)).rejects.toMatchObject({ reason: 'busy' })
  await sidecar.unregister('run-1')
  await sidecar.unregister('run-1')
  await sidecar.register('run-1', token, policy)
})

test('counts what crossed the channel', async ({ spawn }) => {
  const sidecar = await spawn()
  const { read, written } = sidecar.traffic
  await sidecar.status()
  expect(sidecar.traffic.read).toBeGreaterThan(read)
  expect(sidecar.traffic.written).toBeGreaterThan(written)
})

test.for([
  ['state', '{"event":"state","params":{"state":"asleep"}}\n'],
  ['weather', '{"event":"weather","params":{}}\n'],
] as const)('ends by an event "%s" that it does not know', async ([event, text], { spawn }) => {
  const sidecar = await spawn({ sayAfter: { method: 'status', text } })
  await sidecar.status()
  const reason = await sidecar.ended
  expect(reason).toMatchObject({ code: 'ERR_SIDECAR_PROTOCOL' })
  expect(reason.message).toContain(`"${event}"`)
  expect(await sidecar.exited).toMatchObject({ code: 0 })
})

test('ends by a line that is no message', async ({ spawn }) => {
  const sidecar = await spawn({ sayAfter: { method: 'status', text: 'panic: oh no\n' } })
  await sidecar.status()
  expect(await sidecar.ended).toMatchObject({ code: 'ERR_SIDECAR_PROTOCOL' })
  await expect(sidecar.status()).rejects.toBe(await sidecar.ended)
})

test('ends by an answer of an unknown shape', async ({ spawn }) => {
  const sidecar = await spawn({ results: { status: { state: 'running' } } })
  await expect(sidecar.status()).rejects.toMatchObject({
    code: 'ERR_SIDECAR_PROTOCOL',
    message: `the sidecar's answer to "status" has an unknown shape`,
  })
  expect(await sidecar.ended).toMatchObject({ code: 'ERR_SIDECAR_PROTOCOL' })
})

test('rejects all that is pending with its death, which quotes its last words', async ({
  spawn,
}) => {
  const sidecar = await spawn({ neverStarts: true, stderr: 'out of memory\n', dieAfter: 'status' })
  const pending = [sidecar.start(START), sidecar.start(START)]
  await sidecar.status()
  const reason = await sidecar.ended
  expect(reason).toMatchObject({
    code: 'ERR_SIDECAR_EXITED',
    signal: 'SIGKILL',
    message: 'the sidecar was ended by SIGKILL; it last said: out of memory',
  })
  for (const request of pending) await expect(request).rejects.toBe(reason)
  await expect(sidecar.status()).rejects.toBe(reason)
})

test('sends to a sidecar that is gone without complaint', async ({ spawn }) => {
  const sidecar = await spawn({ dieAfter: 'status' })
  await sidecar.status()
  await sidecar.ended
  sidecar.clientWrite(1, new Uint8Array())
  sidecar.clientClose(1)
})

test.for([2, 0, 'one'])('refuses a sidecar of protocol version %s', async (protocol, { spawn }) => {
  await expect(spawn({ results: { hello: { protocol } } })).rejects.toMatchObject({
    code: 'ERR_SIDECAR_PROTOCOL',
    message: expect.stringContaining('does not speak channel version 1'),
  })
})

test('refuses a sidecar that refuses our version, with its words', async () => {
  const words = 'this sidecar speaks version 2, the driver 1'
  const script = `
    const error = { code: 'protocol', message: ${JSON.stringify(words)} }
    const channel = new net.Socket({ fd: 3 })
    channel.once('data', () => channel.end(JSON.stringify({ id: 1, error }) + '\\n'))`
  await expect(Sidecar.spawn(scripted(script))).rejects.toMatchObject({
    code: 'ERR_SIDECAR_PROTOCOL',
    message: expect.stringContaining(words),
  })
})

test('refuses a sidecar that has another role than it was given', async ({ spawn }) => {
  const hello = { protocol: 1, version: 'x', tailscale: 'x', pid: 1, role: 'lab' }
  await expect(spawn({ results: { hello } })).rejects.toMatchObject({
    code: 'ERR_SIDECAR_PROTOCOL',
  })
})

test('refuses a sidecar of another version, and says which file, both versions and what to do', async ({
  spawn,
}) => {
  const hello = { protocol: 1, version: '0.0.1', tailscale: 'x', pid: 1, role: 'node' }
  const { version } = manifest
  await expect(spawn({ results: { hello } })).rejects.toMatchObject({
    code: 'ERR_SIDECAR_PROTOCOL',
    message: `${process.execPath} is of version 0.0.1, and TailProxy here is ${version}; install the sidecar of version ${version}, and unset TAILPROXY_SIDECAR where it names another`,
  })
})

test('takes a sidecar that was built without a version', async ({ spawn }) => {
  const hello = { protocol: 1, version: '0.0.0-dev', tailscale: 'x', pid: 1, role: 'node' }
  expect((await spawn({ results: { hello } })).hello).toEqual(hello)
})

test('quotes a sidecar that ended at once', async ({ spawn }) => {
  await expect(spawn({ exitStatus: 3, stderr: 'no such flag: --old\n' })).rejects.toMatchObject({
    code: 'ERR_SIDECAR_EXITED',
    exitCode: 3,
    message: 'the sidecar ended with status 3; it last said: no such flag: --old',
  })
})

test('quotes no more than the end of what a sidecar said', async () => {
  const script = `process.stderr.write('x'.repeat(100_000) + 'the end', () => process.exit(1))`
  const { message } = await Sidecar.spawn(scripted(script)).then(
    () => new Error('it started'),
    (error: Error) => error,
  )
  expect(message).toMatch(/the end$/)
  expect(message.length).toBeLessThan(5_000)
})

test('gives up on a sidecar that says nothing, and ends it', async () => {
  await expect(
    Sidecar.spawn({ ...scripted('setInterval(() => {}, 60_000)'), helloTimeout: 50 }),
  ).rejects.toMatchObject({
    code: 'ERR_SIDECAR_SPAWN',
    message: expect.stringContaining('did not say hello within 50 ms'),
  })
})

test.for([
  ['is not there', 'there is no such file', () => {}],
  [
    'is not executable',
    'it may not be executed: its mode does not allow it (chmod 755)',
    (file: string) => writeFileSync(file, '', { mode: 0o600 }),
  ],
  [
    'is a script whose interpreter is missing',
    'the interpreter that it asks for is missing',
    (file: string) => writeFileSync(file, '#!/nonexistent\n', { mode: 0o755 }),
  ],
] as const)('cannot start a binary that %s', async ([, why, make], { directory }) => {
  const binary = path.join(directory, 'tailproxy-sidecar')
  make(binary)
  await expect(Sidecar.spawn({ binary })).rejects.toMatchObject({
    code: 'ERR_SIDECAR_SPAWN',
    message: expect.stringContaining(why),
    cause: expect.objectContaining({ syscall: expect.stringContaining('spawn') }),
  })
})

test('cannot start a binary with arguments longer than the kernel takes', async () => {
  const args = ['x'.repeat(3_000_000)]
  await expect(Sidecar.spawn({ binary: '/bin/true', args })).rejects.toMatchObject({
    code: 'ERR_SIDECAR_SPAWN',
  })
})

test('spawns nothing when it is aborted before', async () => {
  const reason = new Error('never mind')
  const binary = '/nonexistent'
  await expect(Sidecar.spawn({ binary, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})

test('ends what it spawned when it is aborted before the hello', async () => {
  const controller = new AbortController()
  const script = 'setInterval(() => {}, 60_000)'
  const spawned = Sidecar.spawn({ ...scripted(script), signal: controller.signal })
  const reason = new Error('never mind')
  controller.abort(reason)
  await expect(spawned).rejects.toBe(reason)
})

test('stops in order, and twice is once', async ({ spawn }) => {
  const sidecar = await spawn()
  const first = sidecar.stop()
  expect(sidecar.stop()).toBe(first)
  expect(await first).toEqual({ code: 0, signal: null })
  await expect(sidecar.status()).rejects.toMatchObject({ code: 'ERR_SIDECAR_CHANNEL_CLOSED' })
})

test('stops after it died', async ({ spawn }) => {
  const sidecar = await spawn({ dieAfter: 'status' })
  await sidecar.status()
  await sidecar.ended
  expect(await sidecar.stop()).toEqual({ code: null, signal: 'SIGKILL' })
})

test('kills a sidecar that does not stop', async ({ spawn }) => {
  const sidecar = await spawn({ neverStops: true })
  expect(await sidecar.stop(50)).toEqual({ code: null, signal: 'SIGKILL' })
})

test('kills what a wrapper script started, too', async ({ spawn, directory }) => {
  const wrapper = path.join(directory, 'wrapper')
  const { binary, args } = fakeSidecar()
  writeFileSync(wrapper, `#!/bin/sh\n"${binary}" "${args[0]}" "$@"\nexit $?\n`)
  chmodSync(wrapper, 0o755)
  const sidecar = await spawn({ neverStops: true }, { binary: wrapper, args: [] })
  await sidecar.stop(50)
  expect(isRunning(sidecar.pid)).toBe(false)
})

test('ends with its driver', async ({ spawn }) => {
  const sidecar = await spawn()
  const { pid } = sidecar
  sidecar.kill()
  await sidecar.exited
  expect(isRunning(pid)).toBe(false)
})

/** A question of the sidecar, and what it will have heard in answer. */
function asking(params: object): FakeSidecarBehaviour {
  return {
    sayAfter: { method: 'status', text: `${JSON.stringify({ id: 1, method: 'ask', params })}\n` },
  }
}

const FLOW = {
  origin: 'socks',
  direction: 'outbound',
  network: 'tcp',
  source: '127.0.0.1:50000',
  destination: '100.64.0.1:80',
} as const

test('lets the caller decide on a flow', async ({ spawn }) => {
  const onAsk = vi.fn<NonNullable<SidecarOptions['onAsk']>>(() => ({ allow: true }))
  const sidecar = await spawn(asking({ ...FLOW, run: 'run-1' }), { onAsk })
  await sidecar.status()
  await vi.waitFor(() => expect(onAsk).toHaveBeenCalledWith({ ...FLOW, run: 'run-1' }))
})

test('tells which process of the run a flow is of', async ({ spawn }) => {
  const onAsk = vi.fn<NonNullable<SidecarOptions['onAsk']>>(() => ({ allow: true }))
  const flow = { ...FLOW, origin: 'preload', network: 'udp', run: 'run-1', pid: 7 } as const
  const sidecar = await spawn(asking(flow), { onAsk })
  await sidecar.status()
  await vi.waitFor(() => expect(onAsk).toHaveBeenCalledWith(flow))
})

test('does not ask the caller about a flow of an unknown shape', async ({ spawn }) => {
  const onAsk = vi.fn<NonNullable<SidecarOptions['onAsk']>>(() => ({ allow: true }))
  const sidecar = await spawn(asking({ ...FLOW, network: 'carrier-pigeon' }), { onAsk })
  await sidecar.status()
  await sidecar.status()
  expect(onAsk).not.toHaveBeenCalled()
})
