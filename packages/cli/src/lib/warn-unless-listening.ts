import { connect } from 'node:net'
import type { SessionExport } from '@tailproxy/session/host'
import { isUdpBound } from './bound-udp.ts'
import { say } from './terminal.ts'

/** Milliseconds. Over loopback a refusal comes at once; who does not answer may still listen. */
const LOOK_TIMEOUT = 1_000

/** Says of an export's targets when nobody takes a connection at any of them: a mistyped port, most likely. */
export async function warnUnlessListening({
  network,
  targets,
}: Pick<SessionExport, 'network' | 'targets'>): Promise<void> {
  const places = targets.map(placeOf)
  if (network === 'udp') {
    const bound = places.map(({ address, port }) => isUdpBound(address, port))
    const isUnbound = bound.every((each) => each === false)
    if (isUnbound) say(`no socket of UDP is bound to ${targets.join(' or ')} yet`)
    return
  }
  const refused = await Promise.all(places.map(isRefused))
  if (!refused.includes(false)) say(`nothing listens on ${targets.join(' or ')} yet`)
}

interface Place {
  readonly address: string
  readonly port: number
}

function placeOf(target: string): Place {
  const { hostname, port } = new URL(`tcp://${target}`)
  return { address: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }
}

function isRefused({ address, port }: Place): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address)
    const settle = (refused: boolean) => {
      socket.destroy()
      resolve(refused)
    }
    socket.setTimeout(LOOK_TIMEOUT, () => settle(false))
    socket.once('connect', () => settle(false))
    socket.once('error', () => settle(true))
  })
}
