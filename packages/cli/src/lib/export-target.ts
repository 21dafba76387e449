import { isIP } from 'node:net'
import { PortSpecError, parsePortSet } from '@tailproxy/port-filter'
import type { ExportTarget } from '@tailproxy/session/host'
import { CommandLineError } from './exit-status.ts'

/** More ports than this are no list that somebody has meant. */
const MOST = 1024

/**
 * The targets that the operands of `tailproxy export` name: ports as `8080`, `8000-8010` or `http`,
 * or one at an address of this host as `192.0.2.7:80` or `[2001:db8::7]:80`.
 *
 * @throws {CommandLineError}
 */
export function readExportTargets(operands: readonly string[]): ExportTarget[] {
  const targets = operands.flatMap(readOperand)
  if (targets.length <= MOST) return targets
  throw new CommandLineError(`${targets.length} ports are too many; at most ${MOST} at once`)
}

/** @throws {CommandLineError} */
export function readPorts(operands: readonly string[]): number[] {
  return operands.flatMap((operand) => portsOf(operand))
}

function readOperand(operand: string): ExportTarget[] {
  const [, inBrackets, plain, port = ''] = /^(?:\[(.*)\]|([^[\]]*)):([^:]*)$/.exec(operand) ?? []
  const address = inBrackets ?? plain
  if (address === undefined) return portsOf(operand).map((each) => ({ port: each }))
  if (isIP(address) !== (inBrackets === undefined ? 4 : 6)) {
    throw new CommandLineError(
      `"${operand}" is no address with a port; write 192.0.2.7:80 or [2001:db8::7]:80`,
    )
  }
  return portsOf(port).map((each) => ({ port: each, address }))
}

function portsOf(text: string): number[] {
  try {
    return [...parsePortSet(text)]
  } catch (cause) {
    if (!(cause instanceof PortSpecError)) throw cause
    throw new CommandLineError(cause.message, { cause })
  }
}
