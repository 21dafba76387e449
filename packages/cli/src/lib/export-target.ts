import { isIP } from 'node:net'
import { PortSpecError, parsePortSet } from '@tailproxy/port-filter'
import type { ExportTarget } from '@tailproxy/session/host'
import { CommandLineError } from './exit-status.ts'

type Network = 'tcp' | 'udp'
/** What an export is named by: a port of TCP unless it says otherwise. */
type ExportedPort = Pick<ExportTarget, 'port' | 'network'>

/** More ports than this are no list that somebody has meant. */
const MOST = 1024

/**
 * The targets that the operands of `tailproxy export` name: ports as `8080`, `8000-8010` or `http`,
 * or one at an address of this host as `192.0.2.7:80` or `[2001:db8::7]:80`; those of UDP end in `/udp`.
 *
 * @throws {CommandLineError}
 */
export function readExportTargets(operands: readonly string[]): ExportTarget[] {
  const targets = operands.flatMap(readOperand)
  if (targets.length <= MOST) return targets
  throw new CommandLineError(`${targets.length} ports are too many; at most ${MOST} at once`)
}

/** @throws {CommandLineError} */
export function readExportedPorts(operands: readonly string[]): ExportedPort[] {
  return operands.flatMap((operand) => portsOf(operand))
}

function readOperand(operand: string): ExportTarget[] {
  const [, inBrackets, plain, port = ''] = /^(?:\[(.*)\]|([^[\]]*)):([^:]*)$/.exec(operand) ?? []
  const address = inBrackets ?? plain
  if (address === undefined) return portsOf(operand)
  if (isIP(address) !== (inBrackets === undefined ? 4 : 6)) {
    throw new CommandLineError(
      `"${operand}" is no address with a port; write 192.0.2.7:80 or [2001:db8::7]:80`,
    )
  }
  return portsOf(port).map((each) => ({ ...each, address }))
}

function portsOf(text: string): ExportedPort[] {
  const parts = text.split(',').map(readPart)
  const specOf = (wanted: Network) => {
    const specs = parts.flatMap(({ spec, network }) => (network === wanted ? spec : []))
    return specs.length === 0 ? 'none' : specs.join()
  }
  try {
    return [
      ...[...parsePortSet(specOf('tcp'))].map((port) => ({ port })),
      ...[...parsePortSet(specOf('udp'))].map((port) => ({ port, network: 'udp' as const })),
    ]
  } catch (cause) {
    if (!(cause instanceof PortSpecError)) throw cause
    throw new CommandLineError(cause.message, { cause })
  }
}

/** `53/udp`; without a network it is of TCP. */
function readPart(part: string): { spec: string; network: Network } {
  const at = part.indexOf('/')
  const [spec, network] = at < 0 ? [part, 'tcp'] : [part.slice(0, at), part.slice(at + 1).trim()]
  if (network === 'tcp' || network === 'udp') return { spec, network }
  throw new CommandLineError(
    `"${part.trim()}" names no network that is exported; write 53 or 53/tcp for TCP, 53/udp for UDP`,
  )
}
