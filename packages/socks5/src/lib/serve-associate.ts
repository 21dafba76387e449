import { once } from 'node:events'
import { socketAddress } from './bound-address.ts'
import { ClosedError } from './errors.ts'
import type { AssociateAction } from './server-action.ts'
import type { Service } from './service.ts'
import { openUdpRelay } from './udp-relay.ts'

/**
 * UDP ASSOCIATE: relays datagrams for as long as the client keeps its connection (RFC 1928
 * section 7). @throws what kept the relay from opening
 */
export async function serveAssociate(service: Service, action: AssociateAction): Promise<void> {
  const { client, session, router, report } = service
  const { destination } = action.request
  const relay = await openUdpRelay({
    host: socketAddress(service.relayHost, 0).host,
    client: { host: client.info.source.host, port: destination.port },
    route: (to) =>
      router.resolve({
        request: { command: 'udp-associate', destination: to },
        client: client.info,
        signal: client.signal,
      }),
  })
  try {
    client.write(session.associated({ bound: relay.address }).bytes)
    report.spliced(client.info, destination)
    // Nothing is expected on the connection any more: it is read for its end only.
    client.release()
    client.socket.resume()
    if (!client.socket.readableEnded) await once(client.socket, 'end', { signal: client.signal })
    client.socket.end()
    report.closed(client.info, undefined)
  } catch {
    const { reason } = client.signal
    report.closed(client.info, reason instanceof ClosedError ? undefined : reason)
    client.socket.destroy()
  } finally {
    relay.close()
  }
}
