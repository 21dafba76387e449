import fc from 'fast-check'
import { expect, test } from 'vitest'
import { listeners } from '../testing/listeners.ts'
import { TableHarness } from '../testing/table-harness.ts'
import { BY_HAND } from './claim.ts'
import type { ListenRequest } from './listener.ts'
import { type PortName, portKey } from './port-key.ts'

/** What has been asked for so far, with no idea of what is under way. */
interface Asked {
  readonly owners: Set<number>
  readonly dead: Set<bigint>
  /** Requests of owners that are there, by their number. */
  readonly listens: Map<number, { owner: number; listener: ListenRequest }>
  readonly closes: number[]
}

type Command = fc.Command<Asked, TableHarness>

/** A step after which nothing is answered but what the step answers; the harness checks the rest. */
function command(
  name: string,
  run: (asked: Asked, real: TableHarness) => void,
  check: (asked: Readonly<Asked>) => boolean = () => true,
): Command {
  return { check, run, toString: () => name }
}

const owners = fc.integer({ min: 1001, max: 1003 })
const BY_HAND_PORTS: PortName[] = [
  { network: 'tcp', port: 80 },
  { network: 'tcp', port: 81 },
  { network: 'udp', port: 80 },
]

function stepsWith(failures: boolean): fc.Arbitrary<Command>[] {
  const answers = fc.tuple(fc.nat(9), failures ? fc.boolean() : fc.constant(false))
  return [
    owners.map((owner) =>
      command(
        `connect ${owner}`,
        ({ owners }, real) => {
          owners.add(owner)
          real.apply({ type: 'connect', owner })
        },
        ({ owners }) => !owners.has(owner),
      ),
    ),
    fc.tuple(owners, listeners).map(([owner, listener]) =>
      command(
        `listen ${owner} ${fc.stringify(listener)}`,
        ({ listens }, real) => {
          const request = real.nextId()
          listens.set(request, { owner, listener })
          real.apply({ type: 'listen', request, owner, listener })
        },
        // A cookie is never given again.
        ({ owners, dead }) => owners.has(owner) && !dead.has(listener.socket ?? 0n),
      ),
    ),
    fc.tuple(owners, listeners).map(([owner, listener]) =>
      command(
        `close ${owner} ${fc.stringify(listener)}`,
        ({ closes, listens }, real) => {
          const request = real.nextId()
          closes.push(request)
          real.apply({ type: 'close', request, owner, listener })
          // It may have taken back any of them.
          for (const [id, each] of listens) if (each.listener.socket === 0n) listens.delete(id)
        },
        ({ owners }) => owners.has(owner),
      ),
    ),
    fc.nat(99).map((at) =>
      command(`withdraw ${at}`, ({ listens }, real) => {
        const [request = 0] = [...listens.keys()]
          .filter((id) => !real.outcomes.has(id))
          .slice(at % 3)
        listens.delete(request)
        real.apply({ type: 'withdraw', request })
      }),
    ),
    owners.map((owner) =>
      command(
        `end ${owner}`,
        ({ owners, listens }, real) => {
          owners.delete(owner)
          real.apply({ type: 'end', owner })
          for (const [id, each] of listens) if (each.owner === owner) listens.delete(id)
        },
        ({ owners }) => owners.has(owner),
      ),
    ),
    fc.bigInt({ min: 1n, max: 6n }).map((cookie) =>
      command(`socket ${cookie} goes`, ({ dead }, real) => {
        dead.add(cookie)
        real.dead.add(cookie)
      }),
    ),
    fc.constantFrom(...BY_HAND_PORTS).map((port) =>
      command(`add ${portKey(port)} by hand`, (_, real) => {
        const listener: ListenRequest = { family: `${port.network}46`, port: port.port }
        real.apply({ type: 'listen', request: real.nextId(), owner: BY_HAND, listener })
      }),
    ),
    fc.constantFrom(...BY_HAND_PORTS).map((port) =>
      command(`remove ${portKey(port)}`, ({ closes }, real) => {
        const request = real.nextId()
        closes.push(request)
        real.apply({ type: 'remove', request, key: portKey(port) })
      }),
    ),
    ...[0, 1, 2].map(() =>
      answers.map(([at, isFailure]) =>
        command(`answer ${at}${isFailure ? ' by a failure' : ''}`, (_, real) => {
          real.answer(at, isFailure)
        }),
      ),
    ),
    fc
      .constantFrom(500, 2_000)
      .map((milliseconds) =>
        command(`${milliseconds} ms pass`, (_, real) => real.advance(milliseconds)),
      ),
  ]
}

/** Runs the steps and then answers all there is to answer, until nothing comes of it any more. */
function run(steps: Iterable<Command>): { asked: Asked; real: TableHarness } {
  const real = new TableHarness({}, true)
  const asked: Asked = {
    owners: new Set(),
    dead: new Set(),
    listens: new Map(),
    closes: [],
  }
  fc.modelRun(() => ({ model: asked, real }), steps)
  settle(real)
  return { asked, real }
}

function settle(real: TableHarness): void {
  for (let sweep = 0; sweep < 3; sweep++) {
    real.settle()
    real.advance(2_000)
  }
  real.settle()
}

const many = { maxCommands: 80, size: 'max' } as const

test('comes to what is listened to, in whatever order and however late it is answered', () => {
  fc.assert(
    fc.property(fc.commands(stepsWith(false), many), (steps) => {
      const { asked, real } = run(steps)
      expect(real.reachable()).toEqual(real.exported())
      const ports = real.table.exports().map(({ port }) => port)
      for (const [request, { listener }] of asked.listens) {
        const outcome = real.outcomes.get(request)
        expect(outcome).toBeDefined()
        const isThere = outcome?.ok && !asked.dead.has(listener.socket ?? 0n)
        if (isThere) expect(ports).toContain(listener.port)
      }
      for (const request of asked.closes) expect(real.done.has(request)).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('keeps nothing of owners that are gone, even if they went while something was under way', () => {
  fc.assert(
    fc.property(fc.commands(stepsWith(true), many), (steps) => {
      const { asked, real } = run(steps)
      expect(real.reachable()).toEqual(real.exported())
      for (const owner of asked.owners) real.apply({ type: 'end', owner })
      for (const port of BY_HAND_PORTS) {
        real.apply({ type: 'remove', request: real.nextId(), key: portKey(port) })
      }
      settle(real)
      expect(real.reachable()).toEqual([])
      expect(real.exported()).toEqual([])
      expect(real.table.wakeAt()).toBeUndefined()
      const opened = real.told.filter((line) => line.startsWith('opened')).length
      expect(real.told.filter((line) => line.startsWith('closed')).length).toBe(opened)
    }),
    { numRuns: 300 },
  )
})

test('stops from wherever it is, and answers everybody', () => {
  fc.assert(
    fc.property(fc.commands(stepsWith(true), many), fc.boolean(), (steps, drain) => {
      const real = new TableHarness({}, true)
      const asked: Asked = { owners: new Set(), dead: new Set(), listens: new Map(), closes: [] }
      fc.modelRun(() => ({ model: asked, real }), steps)
      real.apply({ type: 'stop', drain })
      real.settle()
      expect(real.isStopped).toBe(true)
      expect(real.reachable()).toEqual([])
      expect(real.table.wakeAt()).toBeUndefined()
      for (const request of asked.listens.keys()) expect(real.outcomes.has(request)).toBe(true)
      for (const request of asked.closes) expect(real.done.has(request)).toBe(true)
    }),
    { numRuns: 150 },
  )
})
