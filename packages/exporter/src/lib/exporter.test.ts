import { test as base, describe, expect, vi } from 'vitest'
import { FakeBackend } from '../testing/fake-backend.ts'
import { flush, ManualClock } from '../testing/manual-clock.ts'
import { createExporter, type Exporter } from './exporter.ts'
import type { ExporterOptions } from './exporter-options.ts'
import type { ListenRequest } from './listener.ts'

const ALL: ListenRequest = { family: 'tcp4', address: '0.0.0.0', port: 8000, socket: 7n }

const test = base.extend<{
  backend: FakeBackend
  clock: ManualClock
  create: (options?: Partial<ExporterOptions>) => Exporter
  exporter: Exporter
}>({
  backend: async ({}, use) => use(new FakeBackend()),
  clock: async ({}, use) => use(new ManualClock()),
  create: async ({ backend, clock }, use) =>
    use((options = {}) => createExporter({ backend, clock, ...options })),
  exporter: async ({ create }, use) => use(create()),
})

describe('an owner', () => {
  test('has its listener exported, and is told by when', async ({ exporter, backend }) => {
    const outcome = await exporter.connect({ pid: 42 }).listen(ALL)
    const exported = {
      network: 'tcp',
      export: 1,
      port: 8000,
      targets: ['127.0.0.1:8000'],
      addresses: ['100.64.0.1:8000'],
      connections: 0,
      pids: [42],
    }
    expect(outcome).toMatchObject({ ok: true, export: exported })
    expect(exporter.exports()).toMatchObject([exported])
    expect(backend.calls).toEqual(['export 8000 127.0.0.1:8000'])
  })

  test('has the kernel asked by what the socket is bound to', async ({ exporter, backend }) => {
    const owner = exporter.connect()
    await owner.listen({ ...ALL, family: 'tcp46', address: '::' })
    await owner.close({ ...ALL, family: 'tcp46', address: '::' })
    expect(backend.calls.at(-1)).toBe('listening [::]:8000/7')
    expect(exporter.exports()).toHaveLength(1)
  })

  test('takes its exports along when it ends', async ({ exporter, backend, clock }) => {
    const owner = exporter.connect()
    await owner.listen(ALL)
    backend.dead.add(7n)
    owner.end()
    await flush()
    expect(backend.calls.at(-1)).toBe('unexport 1 drain')
    expect(exporter.exports()).toEqual([])
    expect(clock.timers).toBe(0)
  })

  test('may give up, and then has told of nothing', async ({ exporter, backend }) => {
    const reason = new Error('enough')
    const abort = new AbortController()
    const outcome = exporter.connect().listen(ALL, { signal: abort.signal })
    abort.abort(reason)
    await expect(outcome).rejects.toBe(reason)
    await flush()
    expect(backend.open.size).toBe(0)
    expect(exporter.exports()).toEqual([])
  })

  test('that has given up already is not listened to', async ({ exporter, backend }) => {
    const outcome = exporter.connect().listen(ALL, { signal: AbortSignal.abort() })
    await expect(outcome).rejects.toMatchObject({ name: 'AbortError' })
    expect(backend.calls).toEqual([])
  })

  test('loses nothing when the kernel cannot be asked', async ({ exporter, backend, clock }) => {
    await exporter.connect().listen(ALL)
    backend.failures.set('listening', new Error('the sidecar is busy'))
    await clock.advance(60_000)
    expect(exporter.exports()).toHaveLength(1)
  })

  test.for([
    [{ reason: 'busy' }, 'taken'],
    [{ reason: 'not-connected' }, 'unavailable'],
    [{}, 'unavailable'],
  ] as const)(
    'is refused for a backend’s %o as %s',
    async ([failure, code], { exporter, backend }) => {
      backend.failures.set('export', Object.assign(new Error('it says why'), failure))
      const outcome = await exporter.connect().listen(ALL)
      expect(outcome).toEqual({ ok: false, code, reason: 'it says why' })
    },
  )
})

describe('a filter', () => {
  test('is asked with all that is known', async ({ create }) => {
    const decide = vi.fn()
    const exporter = create({ decide })
    await exporter.connect({ pid: 42, run: 'r1' }).listen({ ...ALL, address: '192.0.2.1' })
    expect(decide.mock.calls).toEqual([
      [{ network: 'tcp', family: 'tcp4', address: '192.0.2.1', port: 8000, pid: 42, run: 'r1' }],
    ])
  })

  test('denies by its reason', async ({ create, backend }) => {
    const refused = vi.fn()
    const exporter = create({ decide: () => ({ verdict: 'deny', reason: 'not on Sundays' }) })
    exporter.on('export:refused', refused)
    const outcome = await exporter.connect({ pid: 42 }).listen(ALL)
    expect(outcome).toEqual({ ok: false, code: 'denied', reason: 'not on Sundays' })
    expect(refused.mock.calls).toEqual([
      [expect.objectContaining({ port: 8000, pid: 42 }), 'denied', 'not on Sundays'],
    ])
    expect(backend.calls).toEqual([])
  })

  test('that is late denies', async ({ create, clock }) => {
    const exporter = create({ decide: () => new Promise(() => {}) })
    const outcome = exporter.connect().listen(ALL)
    await clock.advance(1_000)
    expect(await outcome).toMatchObject({ ok: false, code: 'denied' })
  })
})

describe('events', () => {
  test('tell of an export from its opening to its end', async ({ exporter, backend }) => {
    const told: string[] = []
    exporter.on('export:opened', ({ port }) => told.push(`opened ${port}`))
    exporter.on('export:changed', ({ connections }) => told.push(`changed ${connections}`))
    exporter.on('export:closed', ({ port }, reason) => told.push(`closed ${port} ${reason}`))
    const owner = exporter.connect()
    await owner.listen(ALL)
    const counts = { accepted: 1, refused: 0, bytesUp: 5, bytesDown: 6 }
    exporter.handleState({ export: 1, connections: 1, ...counts })
    backend.dead.add(7n)
    await owner.close(ALL)
    await flush()
    expect(told).toEqual(['opened 8000', 'changed 1', 'closed 8000 closed'])
  })

  test('come in order, even to who calls the exporter from one', async ({ exporter }) => {
    const told: string[] = []
    exporter.once('export:opened', () => void exporter.stop())
    exporter.on('export:opened', () => told.push('opened'))
    exporter.on('export:closed', () => told.push('closed'))
    await exporter.connect().listen(ALL)
    await exporter.stop()
    expect(told).toEqual(['opened', 'closed'])
  })
})

describe('a port that is added', () => {
  test('is exported until it is removed', async ({ exporter, backend }) => {
    expect(await exporter.add({ port: 8080 })).toMatchObject({ ok: true })
    expect(exporter.exports()).toMatchObject([{ targets: ['127.0.0.1:8080', '[::1]:8080'] }])
    expect(await exporter.remove(8080)).toBe(true)
    expect(await exporter.remove(8080)).toBe(false)
    expect(backend.open.size).toBe(0)
  })

  test('may be at an address, loopback too', async ({ exporter }) => {
    await exporter.add({ port: 80, address: '127.0.0.5' })
    await exporter.add({ port: 81, address: '::1' })
    expect(exporter.exports().map(({ targets }) => targets)).toEqual([
      ['127.0.0.5:80'],
      ['[::1]:81'],
    ])
    expect(await exporter.add({ port: 82, address: 'localhost' })).toMatchObject({
      code: 'invalid',
    })
  })
})

describe('a stop', () => {
  test('resets, and leaves no timer', async ({ exporter, backend, clock }) => {
    await exporter.connect().listen(ALL)
    await exporter.stop()
    expect(backend.calls.at(-1)).toBe('unexport 1 reset')
    expect(clock.timers).toBe(0)
    expect(await exporter.add({ port: 80 })).toMatchObject({ ok: false, code: 'unavailable' })
    await exporter.stop()
  })

  test('waits for connections that drain, until they are through', async ({ exporter, clock }) => {
    await exporter.connect().listen(ALL)
    const counts = { accepted: 1, refused: 0, bytesUp: 0, bytesDown: 0 }
    exporter.handleState({ export: 1, connections: 1, ...counts })
    const done = vi.fn()
    const stopped = exporter.stop({ drain: true }).then(done)
    await clock.advance(5_000)
    expect(done).not.toHaveBeenCalled()
    exporter.handleState({ export: 1, connections: 0, ...counts })
    await stopped
    expect(clock.timers).toBe(0)
  })

  test('cuts those that do not drain in time', async ({ exporter, backend, clock }) => {
    await exporter.connect().listen(ALL)
    const counts = { accepted: 1, refused: 0, bytesUp: 0, bytesDown: 0 }
    exporter.handleState({ export: 1, connections: 1, ...counts })
    const stopped = exporter.stop({ drain: true, timeout: 3_000 })
    await clock.advance(3_000)
    await stopped
    expect(backend.calls.slice(-2)).toEqual(['unexport 1 drain', 'unexport 1 reset'])
  })

  test('is done even if the backend is gone', async ({ exporter, backend }) => {
    await exporter.connect().listen(ALL)
    backend.failures.set('unexport', new Error('the sidecar has ended'))
    await exporter.stop()
    expect(exporter.exports()).toEqual([])
  })
})

test.for([
  { maxExports: 0 },
  { maxExports: 65_536 },
  { idleTimeout: -1 },
  { decideTimeout: 0 },
  { sweepInterval: Number.NaN },
  { handoverTimeout: 2 ** 31 },
])('%o is no option', (options) => {
  expect(() => createExporter({ backend: new FakeBackend(), ...options })).toThrow(
    expect.objectContaining({ name: 'ExporterOptionError', code: 'ERR_EXPORTER_OPTION' }),
  )
})
