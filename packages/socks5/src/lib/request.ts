import { decodeAddress, encodeAddress, type SocksAddress } from './address.ts'
import { Command, VERSION } from './constants.ts'
import type { Decoded } from './decoded.ts'
import { CommandError, ReservedError, VersionError } from './errors.ts'
import { concat } from './octets.ts'

/** RFC 1928 section 4. */
export interface Request {
  command: Command
  /**
   * `connect`: whom to connect to. `bind`: whom to expect. `udp-associate`: where the client will
   * send from, all zeros if it does not know. `resolve`, `resolve-ptr`: what to look up, port 0.
   */
  destination: SocksAddress
}

const HEADER_LENGTH = 3

/** @throws as `encodeAddress` does, and {CommandError} for a command it does not know */
export function encodeRequest({ command, destination }: Request): Uint8Array {
  if (!Object.hasOwn(Command, command)) throw new CommandError(command)
  return concat(Uint8Array.of(VERSION, Command[command], 0), encodeAddress(destination))
}

/**
 * Everything but the version and the address type is judged when the request is whole: a connection
 * closed over unread bytes is reset (RFC 1122 section 4.2.2.13), and that may overtake the reply.
 * @throws {VersionError} as soon as the first byte is not 5
 * @throws {AddressTypeError | DomainNameError} as `decodeAddress` does
 * @throws {CommandError} for a command that is not one of `Command`
 * @throws {ReservedError} if RSV is not zero
 */
export function decodeRequest(bytes: Uint8Array): Decoded<Request> {
  const [version, code = 0, reserved] = bytes
  if (version !== undefined && version !== VERSION) throw new VersionError(version, VERSION)
  const address = decodeAddress(bytes.subarray(HEADER_LENGTH))
  if (!address.done) {
    const missing = Math.max(HEADER_LENGTH - bytes.length, 0)
    return { done: false, needed: missing + address.needed }
  }
  const command = commandOf(code)
  if (command === undefined) throw new CommandError(code)
  if (reserved !== 0) throw new ReservedError()
  const message = { command, destination: address.message }
  return { done: true, message, consumed: HEADER_LENGTH + address.consumed }
}

const BY_CODE = new Map(Object.entries(Command).map(([name, code]) => [code, name as Command]))

function commandOf(code: number): Command | undefined {
  return (BY_CODE as ReadonlyMap<number, Command>).get(code)
}
