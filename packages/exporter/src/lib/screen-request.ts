import type { Claims } from './claim.ts'
import { boundTo, isLoopback, type Listener, type ListenRequest, readListener } from './listener.ts'
import { type Refusal, refusal } from './outcome.ts'
import { describePort } from './port-key.ts'

/** Sockets of one port: a prefork server has one for each worker (`SO_REUSEPORT`) at the most. */
const MAX_CLAIMS_PER_PORT = 1024

/** What can be said of a request by itself: its listener, or why that is never exported. */
export function screenRequest(request: ListenRequest, mayBeLoopback: boolean): Listener | Refusal {
  const listener = readListener(request)
  if ('invalid' in listener) return refusal('invalid', listener.invalid)
  if (listener.isExplicit && !mayBeLoopback && isLoopback(listener)) {
    return refusal(
      'denied',
      `${boundTo(listener)} is on loopback, which is private unless asked for`,
    )
  }
  return listener
}

/** What stands in the way of a listener: those that its port serves already, or their number. */
export function obstacleTo(
  listener: Listener,
  claims: Claims | undefined,
  exportCount: number,
  maxExports: number,
): Refusal | undefined {
  const port = describePort(listener)
  if (claims?.conflictsWith(listener)) {
    const targets = claims.targets().join(' and ')
    return refusal('taken', `${port} is exported for ${targets} already`)
  }
  if (claims && claims.size >= MAX_CLAIMS_PER_PORT) {
    return refusal('limit', `${MAX_CLAIMS_PER_PORT} sockets listen on ${port} already`)
  }
  if ((claims?.size ?? 0) === 0 && exportCount >= maxExports) {
    return refusal('limit', `there are ${exportCount} exports already, which is the most`)
  }
  return undefined
}
