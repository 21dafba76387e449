import { test as base, describe, expect } from 'vitest'
import { BUSY_PORT, DENIED_PORT, TableHarness } from '../testing/table-harness.ts'
import { BY_HAND } from './claim.ts'
import type { ExportState } from './export.ts'
import type { ListenRequest } from './listener.ts'

const ALL: ListenRequest = { family: 'tcp4', address: '0.0.0.0', port: 80, socket: 7n }

/** What one owner says to a table. */
class Speaker {
  readonly real: TableHarness
  readonly owner: number

  constructor(real: TableHarness, pid?: number) {
    this.real = real
    this.owner = 1000 + real.nextId()
    real.apply({ type: 'connect', owner: this.owner, ...(pid !== undefined && { pid }) })
  }

  listen(listener: Partial<ListenRequest> = {}): number {
    const request = this.real.nextId()
    const { owner } = this
    this.real.apply({ type: 'listen', request, owner, listener: { ...ALL, ...listener } })
    return request
  }

  close(listener: Partial<ListenRequest> = {}): number {
    const request = this.real.nextId()
    const { owner } = this
    this.real.apply({ type: 'close', request, owner, listener: { ...ALL, ...listener } })
    return request
  }

  end(): void {
    this.real.apply({ type: 'end', owner: this.owner })
  }
}

function outcomeOf(real: TableHarness, request: number): string {
  const outcome = real.outcomes.get(request)
  return outcome?.ok ? 'ok' : (outcome?.code ?? 'none')
}

function counts(id: number, connections: number, accepted = connections): ExportState {
  return { export: id, connections, accepted, refused: 0, bytesUp: 0, bytesDown: 0 }
}

const test = base.extend<{ real: TableHarness; late: TableHarness; idle: TableHarness }>({
  real: async ({}, use) => use(new TableHarness()),
  late: async ({}, use) => use(new TableHarness({}, true)),
  idle: async ({}, use) => use(new TableHarness({ idleTimeout: 5_000 })),
})

describe('a listener', () => {
  test('of both families is one export with a target of each', ({ real }) => {
    new Speaker(real).listen({ family: 'tcp46', address: '::' })
    expect(real.exported()).toEqual(['80 127.0.0.1:80 [::1]:80'])
  })

  test('of the other family joins the export of its port', ({ real }) => {
    const program = new Speaker(real)
    program.listen()
    program.listen({ family: 'tcp6', address: '::', socket: 8n })
    expect(real.reachable()).toEqual(['80 127.0.0.1:80 [::1]:80'])
    expect(real.told).toEqual(['opened 80'])
    real.dead.add(7n)
    program.close()
    expect(real.reachable()).toEqual(['80 [::1]:80'])
  })

  test.for([
    [{ address: '127.0.0.1' }, 'denied'],
    [{ address: '127.9.9.9' }, 'denied'],
    [{ family: 'tcp6', address: '::1' }, 'denied'],
    [{ family: 'tcp46', address: '::ffff:127.0.0.1' }, 'denied'],
    [{ family: 'udp4', address: '127.0.0.1' }, 'denied'],
    [{ family: 'udp6', address: '0.0.0.0' }, 'invalid'],
    [{ address: '::' }, 'invalid'],
    [{ port: 0 }, 'invalid'],
    [{ port: DENIED_PORT }, 'denied'],
    [{ port: BUSY_PORT }, 'taken'],
  ] as const)('that is %o is refused as %s', ([listener, code], { real }) => {
    const request = new Speaker(real).listen(listener)
    expect(outcomeOf(real, request)).toBe(code)
    const port = 'port' in listener ? listener.port : 80
    const isUdp = 'family' in listener && listener.family.startsWith('udp')
    expect(real.told).toEqual([`refused ${isUdp ? `${port}/udp` : port} ${code}`])
    expect(real.table.wakeAt()).toBeUndefined()
  })

  test('of UDP has a port of its own', ({ real }) => {
    const program = new Speaker(real)
    program.listen()
    program.listen({ family: 'udp46', address: '::', socket: 8n })
    expect(real.reachable()).toEqual(['80 127.0.0.1:80', '80/udp 127.0.0.1:80 [::1]:80'])
    const other = program.listen({ family: 'udp4', address: '192.0.2.1', socket: 9n })
    expect(outcomeOf(real, other)).toBe('taken')
    real.dead.add(8n)
    program.close({ family: 'udp46', address: '::', socket: 8n })
    expect(real.told).toEqual([
      'opened 80',
      'opened 80/udp',
      'refused 80/udp taken',
      'closed 80/udp closed',
    ])
    expect(real.exported()).toEqual(['80 127.0.0.1:80'])
  })

  test('counts towards the most there may be, whatever its network', ({ real }) => {
    const program = new Speaker(real)
    program.listen()
    program.listen({ family: 'udp4', socket: 8n })
    const third = program.listen({ family: 'udp4', port: 81, socket: 9n })
    expect(outcomeOf(real, third)).toBe('limit')
  })

  test('of UDP without a known socket counts as one of TCP does', ({ real }) => {
    const program = new Speaker(real)
    program.listen({ family: 'udp4', socket: 0n })
    program.listen({ family: 'udp4', socket: 0n })
    program.close({ socket: 0n })
    program.close({ family: 'udp4', socket: 0n })
    expect(real.exported()).toEqual(['80/udp 127.0.0.1:80'])
    program.close({ family: 'udp4', socket: 0n })
    expect(real.exported()).toEqual([])
  })

  test('on loopback is exported when that was asked for', () => {
    const real = new TableHarness({ loopback: true })
    new Speaker(real).listen({ address: '127.0.0.2' })
    expect(real.exported()).toEqual(['80 127.0.0.2:80'])
  })

  test('of version 1 is on loopback and is exported all the same', ({ real }) => {
    new Speaker(real).listen({ address: undefined, socket: 0n })
    expect(real.exported()).toEqual(['80 127.0.0.1:80'])
  })

  test('that is told of again changes nothing', ({ real }) => {
    const program = new Speaker(real)
    program.listen()
    expect(outcomeOf(real, program.listen())).toBe('ok')
    expect(real.told).toEqual(['opened 80'])
    expect(real.table.exports()).toMatchObject([{ listeners: 1 }])
  })

  test('shows the processes behind it', ({ real }) => {
    new Speaker(real, 41).listen()
    new Speaker(real, 42).listen()
    new Speaker(real, 43).listen({ socket: 8n })
    expect(real.table.exports()).toMatchObject([{ listeners: 2, pids: [41, 42, 43] }])
  })

  test('without a known socket counts, and belongs to its owner alone', ({ real }) => {
    const [one, other] = [new Speaker(real), new Speaker(real)]
    one.listen({ socket: 0n })
    one.listen({ socket: 0n })
    one.close({ socket: 0n })
    other.close({ socket: 0n })
    expect(real.exported()).toEqual(['80 127.0.0.1:80'])
    one.close({ socket: 0n })
    expect(real.told).toEqual(['opened 80', 'closed 80 closed'])
  })
})

describe('a close', () => {
  test('takes nothing down that still listens', ({ real }) => {
    const program = new Speaker(real)
    program.listen()
    expect(real.done.get(program.close())).toBe(true)
    expect(real.exported()).toEqual(['80 127.0.0.1:80'])
  })

  test('of what was never told of is done at once', ({ late }) => {
    const program = new Speaker(late)
    expect(late.done.get(program.close())).toBe(true)
    expect(late.done.get(program.close({ socket: 0n }))).toBe(true)
    expect(late.questions).toEqual([])
  })

  test('is answered when the kernel has been asked', ({ late }) => {
    const program = new Speaker(late)
    program.listen()
    late.settle()
    late.dead.add(7n)
    const request = program.close()
    expect(late.done.has(request)).toBe(false)
    late.settle()
    expect(late.done.get(request)).toBe(true)
    expect(late.reachable()).toEqual([])
  })

  test('says nothing of a socket that was told of after the kernel was asked', ({ late }) => {
    const program = new Speaker(late)
    program.listen()
    late.settle()
    late.dead.add(7n)
    program.close()
    late.dead.delete(7n)
    program.listen()
    late.settle()
    expect(late.exported()).toEqual(['80 127.0.0.1:80'])
  })

  test('says nothing of a listen that came after the kernel was asked', ({ late }) => {
    const program = new Speaker(late)
    const before = program.listen()
    late.dead.add(7n)
    program.close()
    late.dead.delete(7n)
    const after = program.listen()
    late.answer(1)
    expect([outcomeOf(late, before), outcomeOf(late, after)]).toEqual(['unavailable', 'none'])
    late.settle()
    expect(outcomeOf(late, after)).toBe('ok')
  })

  test('takes back a listen that the filter has not decided on', ({ late }) => {
    const program = new Speaker(late)
    const counted = program.listen({ socket: 0n })
    program.close({ socket: 0n })
    const known = program.listen({ port: 81 })
    late.dead.add(7n)
    program.close({ port: 81 })
    late.answer(2)
    late.settle()
    expect([outcomeOf(late, counted), outcomeOf(late, known)]).toEqual([
      'unavailable',
      'unavailable',
    ])
    expect(late.told).toEqual([])
    expect(late.table.wakeAt()).toBeUndefined()
  })
})

describe('a withdrawal', () => {
  const withdraw = (real: TableHarness, request: number) =>
    real.apply({ type: 'withdraw', request })

  test('of a listen that the filter has not decided on leaves nothing', ({ late }) => {
    withdraw(late, new Speaker(late).listen())
    late.settle()
    expect(late.reachable()).toEqual([])
    expect(late.outcomes.size).toBe(0)
  })

  test('leaves what was exported before', ({ late }) => {
    const program = new Speaker(late)
    program.listen()
    late.settle()
    program.listen({ family: 'tcp6', address: '::', socket: 8n })
    late.answer(0)
    withdraw(late, program.listen())
    late.settle()
    expect(late.exported()).toEqual(['80 127.0.0.1:80 [::1]:80'])
  })

  test('leaves the claim to another request for it, and takes it with the last', ({ late }) => {
    const program = new Speaker(late)
    const [first, second] = [program.listen(), program.listen()]
    late.answer(0)
    late.answer(0)
    withdraw(late, first)
    expect(late.table.wakeAt()).toBeDefined()
    withdraw(late, second)
    late.settle()
    expect(late.reachable()).toEqual([])
    expect(late.told).toEqual([])
  })
})

describe('the end of a connection', () => {
  test('takes down what does not listen any more, at once', ({ real }) => {
    const program = new Speaker(real)
    program.listen()
    real.dead.add(7n)
    program.end()
    expect(real.told).toEqual(['opened 80', 'closed 80 closed'])
  })

  test('leaves two seconds to another to tell of what listens', ({ real }) => {
    const program = new Speaker(real)
    program.listen()
    program.end()
    real.advance(1_999)
    const other = new Speaker(real)
    other.listen()
    real.advance(60_000)
    expect(real.told).toEqual(['opened 80'])
    other.end()
    real.advance(1_999)
    expect(real.exported()).toEqual(['80 127.0.0.1:80'])
    real.advance(1)
    expect(real.told).toEqual(['opened 80', 'closed 80 lost'])
    expect(real.table.wakeAt()).toBeUndefined()
  })

  test('is often seen before that of its listener, which is looked at again soon', ({ real }) => {
    const program = new Speaker(real)
    program.listen()
    real.advance(1_000)
    program.end()
    real.advance(5)
    real.dead.add(7n)
    expect(real.exported()).toEqual(['80 127.0.0.1:80'])
    real.advance(5)
    expect(real.told).toEqual(['opened 80', 'closed 80 closed'])
  })

  test('has what still listens looked at less and less often', ({ late }) => {
    const program = new Speaker(late)
    program.listen()
    late.settle()
    program.end()
    late.settle()
    const looks: number[] = []
    while (late.now < 1_999) {
      late.advance(1)
      if (late.questions.length > 0) looks.push(late.now)
      late.settle()
    }
    expect(looks).toEqual([10, 30, 70, 150, 310, 630, 1270])
  })

  test('leaves what another has told of too', ({ real }) => {
    const [one, other] = [new Speaker(real), new Speaker(real)]
    one.listen()
    other.listen()
    one.end()
    real.advance(60_000)
    expect(real.exported()).toEqual(['80 127.0.0.1:80'])
  })

  test('while an export is opened leaves nothing behind', ({ late }) => {
    const program = new Speaker(late)
    const request = program.listen({ socket: 0n })
    late.answer(0)
    program.end()
    expect(outcomeOf(late, request)).toBe('unavailable')
    late.settle()
    expect(late.reachable()).toEqual([])
    expect(late.told).toEqual([])
  })
})

describe('time', () => {
  test('takes down what has closed without a hint', ({ real }) => {
    new Speaker(real).listen()
    real.advance(10_000)
    real.dead.add(7n)
    real.advance(2_000)
    expect(real.told).toEqual(['opened 80', 'closed 80 closed'])
  })

  test('takes nothing down because the kernel could not be asked', ({ late }) => {
    new Speaker(late).listen()
    late.settle()
    late.dead.add(7n)
    late.advance(2_000)
    late.answer(0, true)
    expect(late.exported()).toEqual(['80 127.0.0.1:80'])
  })

  test('closes what nobody connects to, until its program tells of it again', ({ idle }) => {
    const program = new Speaker(idle)
    program.listen()
    idle.advance(4_999)
    expect(idle.exported()).toEqual(['80 127.0.0.1:80'])
    idle.advance(1)
    expect(idle.told).toEqual(['opened 80', 'closed 80 idle'])
    program.listen()
    expect(idle.exported()).toEqual(['80 127.0.0.1:80'])
  })

  test('counts idleness from the last connection, however short', ({ idle }) => {
    new Speaker(idle).listen()
    idle.apply({ type: 'state', state: counts(1, 1) })
    idle.advance(60_000)
    idle.apply({ type: 'state', state: counts(1, 0, 1) })
    idle.advance(4_000)
    idle.apply({ type: 'state', state: counts(1, 0, 2) })
    idle.advance(4_999)
    expect(idle.exported()).toHaveLength(1)
    idle.advance(1)
    expect(idle.told.at(-1)).toBe('closed 80 idle')
  })
})

describe('a port', () => {
  test('that goes elsewhere already is taken', ({ real }) => {
    const program = new Speaker(real)
    program.listen()
    expect(outcomeOf(real, program.listen({ address: '192.0.2.1', socket: 8n }))).toBe('taken')
    expect(real.exported()).toEqual(['80 127.0.0.1:80'])
  })

  test('is not taken by what has gone without a hint', ({ real }) => {
    const program = new Speaker(real)
    program.listen()
    real.dead.add(7n)
    expect(outcomeOf(real, program.listen({ address: '192.0.2.1', socket: 8n }))).toBe('ok')
    expect(real.exported()).toEqual(['80 192.0.2.1:80'])
  })

  test('past the most there may be is refused, unless one of them has gone', ({ real }) => {
    const program = new Speaker(real)
    program.listen()
    program.listen({ port: 81, socket: 8n })
    expect(outcomeOf(real, program.listen({ port: 82, socket: 9n }))).toBe('limit')
    real.dead.add(8n)
    expect(outcomeOf(real, program.listen({ port: 82, socket: 9n }))).toBe('ok')
    expect(real.exported()).toEqual(['80 127.0.0.1:80', '82 127.0.0.1:82'])
  })

  test('asks the kernel once for a flood past the most', ({ late }) => {
    const program = new Speaker(late)
    program.listen()
    program.listen({ port: 81, socket: 8n })
    late.settle()
    const requests = Array.from({ length: 100 }, (_, at) => program.listen({ port: 1000 + at }))
    for (const _ of requests) late.answer(0)
    late.settle()
    expect(requests.map((request) => outcomeOf(late, request))).toEqual(requests.map(() => 'limit'))
    expect(late.exported()).toHaveLength(2)
  })

  test('has 1,024 sockets at the most', ({ real }) => {
    const program = new Speaker(real)
    for (let at = 1n; at <= 1_024n; at++) program.listen({ socket: at })
    expect(outcomeOf(real, program.listen({ socket: 5_000n }))).toBe('limit')
    expect(real.table.exports()).toMatchObject([{ listeners: 1_024 }])
  })

  test('that is closed and listened on again is opened when the close is through', ({ late }) => {
    const program = new Speaker(late)
    program.listen({ socket: 0n })
    late.settle()
    program.close({ socket: 0n })
    const again = program.listen({ socket: 0n })
    expect(outcomeOf(late, again)).toBe('none')
    late.settle()
    expect(outcomeOf(late, again)).toBe('ok')
    expect(late.told).toEqual(['opened 80', 'closed 80 closed', 'opened 80'])
  })

  test('keeps its program when the target of another cannot be added', ({ late }) => {
    const program = new Speaker(late)
    program.listen()
    late.settle()
    const other = program.listen({ family: 'tcp6', address: '::', socket: 8n })
    late.answer(0)
    late.answer(0, true)
    late.settle()
    expect(outcomeOf(late, other)).toBe('unavailable')
    expect(late.reachable()).toEqual(['80 127.0.0.1:80'])
  })

  test('is lost when a target that is gone cannot be taken away', ({ late }) => {
    const program = new Speaker(late)
    program.listen({ socket: 0n })
    program.listen({ family: 'tcp6', address: '::', socket: 0n })
    late.settle()
    program.close({ socket: 0n })
    late.answer(0, true)
    late.settle()
    expect(late.reachable()).toEqual([])
    expect(late.told.at(-1)).toBe('closed 80 lost')
  })

  test('is exported by hand until it is removed, beside a program’s', ({ real }) => {
    const listener: ListenRequest = { family: 'tcp46', port: 80 }
    const program = new Speaker(real)
    program.listen()
    for (const request of [1, 2].map(() => real.nextId())) {
      real.apply({ type: 'listen', request, owner: BY_HAND, listener })
    }
    expect(real.exported()).toEqual(['80 127.0.0.1:80 [::1]:80'])
    const removals = [real.nextId(), real.nextId()]
    for (const request of removals) real.apply({ type: 'remove', request, key: '80/tcp' })
    expect(removals.map((request) => real.done.get(request))).toEqual([true, false])
    expect(real.exported()).toEqual(['80 127.0.0.1:80'])
  })
})

describe('counts', () => {
  test('that come before the export was known are its own', ({ late }) => {
    new Speaker(late).listen()
    late.answer(0)
    late.apply({ type: 'state', state: counts(1, 3) })
    late.settle()
    expect(late.table.exports()).toMatchObject([{ connections: 3, accepted: 3 }])
  })

  test('of an export that nobody knows are left alone', ({ real }) => {
    real.apply({ type: 'state', state: counts(99, 3) })
    expect(real.table.exports()).toEqual([])
  })
})

describe('a stop', () => {
  test('refuses whatever is under way and whatever comes after it', ({ late }) => {
    const program = new Speaker(late)
    const before = program.listen()
    late.apply({ type: 'stop', drain: false })
    const after = program.listen()
    expect([outcomeOf(late, before), outcomeOf(late, after)]).toEqual([
      'unavailable',
      'unavailable',
    ])
    expect(late.isStopped).toBe(true)
  })

  test('that drains is done when the last connection is', ({ real }) => {
    new Speaker(real).listen()
    real.apply({ type: 'state', state: counts(1, 2) })
    real.apply({ type: 'stop', drain: true })
    expect(real.reachable()).toEqual([])
    real.apply({ type: 'state', state: counts(1, 1) })
    expect(real.isStopped).toBe(false)
    real.apply({ type: 'state', state: counts(1, 0) })
    expect(real.isStopped).toBe(true)
    expect(real.told).toEqual(['opened 80', 'closed 80 stopped'])
  })

  test('that has drained for long enough resets what is left', ({ real }) => {
    new Speaker(real).listen()
    real.apply({ type: 'state', state: counts(1, 2) })
    real.apply({ type: 'stop', drain: true })
    real.apply({ type: 'cut' })
    expect(real.isStopped).toBe(true)
    expect(real.told).toEqual(['opened 80', 'closed 80 stopped', 'reset 1'])
  })

  test('resets what drains of exports that were closed before', ({ real }) => {
    const program = new Speaker(real)
    program.listen({ socket: 0n })
    real.apply({ type: 'state', state: counts(1, 1) })
    program.close({ socket: 0n })
    real.apply({ type: 'stop', drain: false })
    expect(real.told.at(-1)).toBe('reset 1')
    expect(real.isStopped).toBe(true)
  })
})
