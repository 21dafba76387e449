import fc from 'fast-check'
import { expect, test } from 'vitest'
import { listeners } from '../testing/listeners.ts'
import { BUSY_PORT, DENIED_PORT, HARNESS_OPTIONS, TableHarness } from '../testing/table-harness.ts'
import type { ListenRequest } from './listener.ts'
import type { PortName } from './port-key.ts'

const IDLE = 5_000

interface ModelClaim {
  /** `80`, or `80/udp`, which is another one. */
  port: string
  socket: bigint
  targets: string[]
  owners: Map<number, number>
}

/** What the table should come to when all it asks is answered at once: a list of claims. */
class Model {
  readonly claims = new Map<string, ModelClaim>()
  readonly owners = new Set<number>()
  readonly dead = new Set<bigint>()
  readonly connected = new Set<string>()
  readonly idleSince = new Map<string, number>()
  now = 0

  keyOf(owner: number, { family, address, port, socket }: ListenRequest): string {
    return [family, address, port, socket, socket === 0n ? owner : ''].join()
  }

  expectedOutcome(owner: number, listener: ListenRequest): string {
    if (listener.address === '127.0.0.1') return 'denied'
    if (this.claims.has(this.keyOf(owner, listener))) return 'ok'
    if (listener.port === DENIED_PORT) return 'denied'
    if (this.isTaken(listener)) this.bury(({ port }) => port === nameOf(listener))
    else if (this.isOverLimit(listener)) this.bury(() => true)
    if (this.isTaken(listener)) return 'taken'
    if (this.isOverLimit(listener)) return 'limit'
    return listener.port === BUSY_PORT ? 'taken' : 'ok'
  }

  isTaken(listener: ListenRequest): boolean {
    const others = this.on(nameOf(listener)).flatMap(({ targets }) => targets)
    const v6 = (target: string) => target.startsWith('[')
    return modelTargets(listener).some((target) =>
      others.some((other) => v6(other) === v6(target) && other !== target),
    )
  }

  isOverLimit(listener: ListenRequest): boolean {
    const ports = new Set([...this.claims.values()].map((claim) => claim.port))
    return !ports.has(nameOf(listener)) && ports.size >= HARNESS_OPTIONS.maxExports
  }

  on(port: string): ModelClaim[] {
    return [...this.claims.values()].filter((claim) => claim.port === port)
  }

  /** Forgets those whose socket does not listen. */
  bury(isMeant: (claim: ModelClaim) => boolean): void {
    for (const [key, claim] of this.claims) {
      if (this.dead.has(claim.socket) && isMeant(claim)) this.claims.delete(key)
    }
  }

  settle(): void {
    for (const port of PORTS) {
      if (this.on(port).length === 0) {
        this.connected.delete(port)
        this.idleSince.delete(port)
      } else if (!this.idleSince.has(port) && !this.connected.has(port)) {
        this.idleSince.set(port, this.now)
      }
    }
  }

  expectedExports(): string[] {
    const ports = [...new Set([...this.claims.values()].map(({ port }) => port))].sort()
    return ports.map((port) => {
      const targets = new Set(this.on(port).flatMap((claim) => claim.targets))
      return [port, ...[...targets].sort()].join(' ')
    })
  }
}

const PORTS = ['80', '80/udp', '81', '81/udp', '82', '82/udp']

function nameOf({ family, port }: ListenRequest): string {
  return family.startsWith('udp') ? `${port}/udp` : `${port}`
}

function keyOf({ network, port }: PortName): string {
  return network === 'udp' ? `${port}/udp` : `${port}`
}

function modelTargets({ family, address, port }: ListenRequest): string[] {
  if (address === undefined) return [family.endsWith('p4') ? `127.0.0.1:${port}` : `[::1]:${port}`]
  if (address === '0.0.0.0') return [`127.0.0.1:${port}`]
  if (address === '::' && family.endsWith('46')) return [`127.0.0.1:${port}`, `[::1]:${port}`]
  if (address === '::') return [`[::1]:${port}`]
  if (address === '::ffff:192.0.2.1') return [`192.0.2.1:${port}`]
  return [address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`]
}

type Command = fc.Command<Model, TableHarness>

/** A step on both sides, after which both export the same. */
function command(
  name: string,
  run: (model: Model, real: TableHarness) => void,
  check: (model: Model) => boolean = () => true,
): Command {
  return {
    check: (model) => check(model),
    run(model, real) {
      run(model, real)
      model.settle()
      expect(real.exported()).toEqual(model.expectedExports())
      expect(real.reachable()).toEqual(model.expectedExports())
    },
    toString: () => name,
  }
}

const owners = fc.integer({ min: 1001, max: 1003 })

const commands: fc.Arbitrary<Command>[] = [
  owners.map((owner) =>
    command(
      `connect ${owner}`,
      (model, real) => {
        model.owners.add(owner)
        real.apply({ type: 'connect', owner })
      },
      (model) => !model.owners.has(owner),
    ),
  ),
  fc.tuple(owners, listeners).map(([owner, listener]) =>
    command(
      `listen ${owner} ${fc.stringify(listener)}`,
      (model, real) => {
        const expected = model.expectedOutcome(owner, listener)
        const request = real.nextId()
        real.apply({ type: 'listen', request, owner, listener })
        const outcome = real.outcomes.get(request)
        expect(outcome?.ok ? 'ok' : outcome?.code).toBe(expected)
        if (expected !== 'ok') return
        const { socket = 0n } = listener
        const port = nameOf(listener)
        const key = model.keyOf(owner, listener)
        const claim = model.claims.get(key) ?? {
          port,
          socket,
          targets: modelTargets(listener),
          owners: new Map<number, number>(),
        }
        model.claims.set(key, claim)
        if (!claim.owners.has(owner)) model.idleSince.delete(port)
        claim.owners.set(owner, socket === 0n ? (claim.owners.get(owner) ?? 0) + 1 : 1)
      },
      (model) => model.owners.has(owner),
    ),
  ),
  fc.tuple(owners, listeners).map(([owner, listener]) =>
    command(
      `close ${owner} ${fc.stringify(listener)}`,
      (model, real) => {
        const request = real.nextId()
        real.apply({ type: 'close', request, owner, listener })
        expect(real.done.has(request)).toBe(true)
        const key = model.keyOf(owner, listener)
        const claim = model.claims.get(key)
        if (listener.socket !== 0n) {
          model.bury((each) => each === claim)
          return
        }
        const left = (claim?.owners.get(owner) ?? 0) - 1
        if (left > 0) claim?.owners.set(owner, left)
        else model.claims.delete(key)
      },
      (model) => model.owners.has(owner),
    ),
  ),
  owners.map((owner) =>
    command(
      `end ${owner}`,
      (model, real) => {
        model.owners.delete(owner)
        real.apply({ type: 'end', owner })
        for (const [key, claim] of model.claims) {
          if (!claim.owners.delete(owner)) continue
          if (claim.socket === 0n || model.dead.has(claim.socket)) model.claims.delete(key)
        }
      },
      (model) => model.owners.has(owner),
    ),
  ),
  fc.bigInt({ min: 1n, max: 6n }).map((cookie) =>
    command(`socket ${cookie} goes`, (model, real) => {
      model.dead.add(cookie)
      real.dead.add(cookie)
    }),
  ),
  fc.bigInt({ min: 1n, max: 6n }).map((cookie) =>
    command(`socket ${cookie} comes`, (model, real) => {
      model.dead.delete(cookie)
      real.dead.delete(cookie)
    }),
  ),
  fc.constantFrom(...PORTS).map((port) =>
    command(
      `connections of ${port} come or go`,
      (model, real) => {
        const isConnected = model.connected.has(port)
        if (isConnected) model.connected.delete(port)
        else model.connected.add(port)
        model.idleSince.delete(port)
        const [id = 0] = [...real.open].find(([, call]) => keyOf(call) === port) ?? []
        const counts = { accepted: 1, refused: 0, bytesUp: 0, bytesDown: 0 }
        const connections = isConnected ? 0 : 1
        real.apply({ type: 'state', state: { export: id, connections, ...counts } })
      },
      (model) => model.on(port).length > 0,
    ),
  ),
  // By then everything has been swept, and whoever was to take over has not.
  fc.constantFrom(2_000, 4_000).map((milliseconds) =>
    command(`${milliseconds} ms pass`, (model, real) => {
      real.advance(milliseconds)
      model.now += milliseconds
      model.bury(() => true)
      for (const [key, claim] of model.claims) {
        if (claim.owners.size === 0) model.claims.delete(key)
      }
      for (const [key, { port }] of model.claims) {
        const since = model.idleSince.get(port) ?? model.now
        if (since + IDLE <= model.now) model.claims.delete(key)
      }
    }),
  ),
]

test('exports just what its claims say, when all it asks is answered at once', () => {
  fc.assert(
    fc.property(fc.commands(commands, { maxCommands: 60, size: 'max' }), (steps) => {
      fc.modelRun(() => {
        const real = new TableHarness({ idleTimeout: IDLE })
        return { model: new Model(), real }
      }, steps)
    }),
    { numRuns: 300 },
  )
})
