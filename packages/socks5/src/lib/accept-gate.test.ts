import { describe, expect, test } from 'vitest'
import { deferred } from '../testing/sockets.ts'
import { AcceptGate } from './accept-gate.ts'

class Client {
  readonly name: string
  readonly over = deferred<void>()
  destroyed = false
  constructor(name: string) {
    this.name = name
  }
  destroy(): void {
    this.destroyed = true
  }
}

function gateOf(max: number) {
  const served: string[] = []
  const gate = new AcceptGate<Client>(max, (client) => {
    served.push(client.name)
    return client.over.promise
  })
  const clients = ['a', 'b', 'c', 'd'].map((name) => new Client(name))
  for (const client of clients) gate.add(client)
  return { gate, served, clients }
}

describe('an accept gate', () => {
  test('serves as many at once as it may', () => {
    const { gate, served } = gateOf(2)
    expect(served).toEqual(['a', 'b'])
    expect([gate.serving, gate.waiting]).toEqual([2, 2])
  })

  test('serves the next when one is through, in the order they came', async () => {
    const { gate, served, clients } = gateOf(1)
    for (const { over } of clients.slice(0, 3)) {
      over.resolve()
      await over.promise
      await Promise.resolve()
    }
    expect(served).toEqual(['a', 'b', 'c', 'd'])
    expect([gate.serving, gate.waiting]).toEqual([1, 0])
  })

  test('serves the next when serving one has failed', async () => {
    const served: string[] = []
    const gate = new AcceptGate<Client>(1, async ({ name }) => {
      served.push(name)
      throw new Error('broken')
    })
    for (const name of ['a', 'b', 'c']) gate.add(new Client(name))
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    expect(served).toEqual(['a', 'b', 'c'])
    expect(gate.serving).toBe(0)
  })

  test('turns away who waits, not who is served', () => {
    const { gate, clients } = gateOf(1)
    gate.clear()
    expect(clients.map((client) => client.destroyed)).toEqual([false, true, true, true])
    expect(gate.waiting).toBe(0)
  })
})
