import { connect } from 'node:net'
import { say } from './terminal.ts'

/** Milliseconds. Over loopback a refusal comes at once; who does not answer may still listen. */
const LOOK_TIMEOUT = 1_000

/** Says of an export's targets when nobody takes a connection at any of them: a mistyped port, most likely. */
export async function warnUnlessListening(targets: readonly string[]): Promise<void> {
  const refused = await Promise.all(targets.map(isRefused))
  if (!refused.includes(false)) say(`nothing listens on ${targets.join(' or ')} yet`)
}

function isRefused(target: string): Promise<boolean> {
  const { hostname, port } = new URL(`tcp://${target}`)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname.replace(/^\[|\]$/g, ''))
    const settle = (refused: boolean) => {
      socket.destroy()
      resolve(refused)
    }
    socket.setTimeout(LOOK_TIMEOUT, () => settle(false))
    socket.once('connect', () => settle(false))
    socket.once('error', () => settle(true))
  })
}
