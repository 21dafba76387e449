import fc from 'fast-check'
import type { ListenRequest } from '../lib/listener.ts'
import { BUSY_PORT, DENIED_PORT } from './table-harness.ts'

/** Few of everything, so that they meet. */
const ports = fc.constantFrom(80, 81, 82, BUSY_PORT, DENIED_PORT)
const sockets = fc.bigInt({ min: 0n, max: 6n })

const places: fc.Arbitrary<Pick<ListenRequest, 'family' | 'address'>> = fc.constantFrom(
  { family: 'tcp4' },
  { family: 'tcp6' },
  { family: 'tcp4', address: '0.0.0.0' },
  { family: 'tcp4', address: '192.0.2.1' },
  { family: 'tcp4', address: '127.0.0.1' },
  { family: 'tcp6', address: '::' },
  { family: 'tcp6', address: '2001:db8::1' },
  { family: 'tcp46', address: '::' },
  { family: 'tcp46', address: '::ffff:192.0.2.1' },
  { family: 'udp4' },
  { family: 'udp4', address: '0.0.0.0' },
  { family: 'udp4', address: '127.0.0.1' },
  { family: 'udp6', address: '2001:db8::1' },
  { family: 'udp46', address: '::' },
)

const any: fc.Arbitrary<ListenRequest> = fc
  .tuple(places, ports, sockets)
  .map(([place, port, socket]) => ({ ...place, port, socket }))

/** These come again and again, from one owner and another. */
const usual: fc.Arbitrary<ListenRequest> = fc.constantFrom(
  { family: 'tcp4', port: 80, socket: 0n },
  { family: 'tcp4', address: '0.0.0.0', port: 80, socket: 1n },
  { family: 'tcp4', address: '192.0.2.1', port: 80, socket: 2n },
  { family: 'tcp46', address: '::', port: 80, socket: 3n },
  { family: 'tcp6', address: '::', port: 81, socket: 4n },
  { family: 'tcp4', address: '0.0.0.0', port: 82, socket: 5n },
  { family: 'udp4', address: '0.0.0.0', port: 80, socket: 6n },
  { family: 'udp46', address: '::', port: 80, socket: 3n },
  { family: 'udp4', port: 81, socket: 0n },
)

export const listeners: fc.Arbitrary<ListenRequest> = fc.oneof(
  { weight: 2, arbitrary: usual },
  { weight: 1, arbitrary: any },
)
