import { formatSocksAddress } from './address.ts'
import { socketAddress } from './bound-address.ts'
import { NotFoundError } from './errors.ts'
import { listenOnce } from './listen-once.ts'
import { join } from './serve-dial.ts'
import type { BindAction } from './server-action.ts'
import type { Service } from './service.ts'

const ANYONE = ['0.0.0.0', '::']

/**
 * BIND: listens for the one connection that the client expects, from the address it expects it
 * from; others are reset. All zeros expect anyone.
 * @throws what kept it from coming about
 */
export async function serveBind(service: Service, { request }: BindAction): Promise<void> {
  const { client, session, router } = service
  const expected = await service.withinDialTimeout(request.destination, (signal) =>
    router.resolve({ request, client: client.info, signal }),
  )
  const isExpected = (host: string) =>
    expected.some((each) => each === host || ANYONE.includes(each))
  const listener = await listenOnce(service.relayHost, isExpected)
  try {
    client.write(session.listening({ bound: listener.address }).bytes)
    const far = await service.withinBindTimeout(request.destination, listener.accept)
    const { remoteAddress, remotePort } = far
    if (remoteAddress === undefined || remotePort === undefined) {
      throw new NotFoundError(formatSocksAddress(request.destination))
    }
    const bound = socketAddress(remoteAddress, remotePort)
    await join(service, far, session.dialed({ bound }), bound)
  } finally {
    listener.close()
  }
}
