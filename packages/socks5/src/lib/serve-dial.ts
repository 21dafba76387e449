import type { Duplex } from 'node:stream'
import { abortable } from './abortable.ts'
import type { SocksAddress } from './address.ts'
import { getBoundAddress } from './bound-address.ts'
import { dial } from './dial.ts'
import { concat } from './octets.ts'
import { reset } from './reset.ts'
import type { DialAction, SpliceAction } from './server-action.ts'
import type { Service } from './service.ts'
import { splice } from './splice.ts'

/** CONNECT. @throws what kept it from being connected; nothing has been answered then */
export async function serveDial(service: Service, { request }: DialAction): Promise<void> {
  const { client, session, router, options } = service
  const far = await service.withinDialTimeout(request.destination, async (signal) => {
    const { destination, addresses } = await router.route({ request, client: client.info, signal })
    const dialing: Promise<Duplex> = options.dial
      ? options.dial(destination, { ...client.info, addresses, signal })
      : dial({ ...destination, addresses, signal })
    // It may break before it is spliced, when nobody listens yet; the splice looks for that.
    const guarded = dialing.then((stream) => stream.on('error', () => {}))
    return abortable(guarded, signal, reset)
  })
  const action = session.dialed({ bound: getBoundAddress(far) })
  await join(service, far, action, request.destination)
}

/** Answers the client and copies until both ends are through. */
export async function join(
  { client, report }: Service,
  far: Duplex,
  { bytes, leftover }: SpliceAction,
  destination: SocksAddress,
): Promise<void> {
  client.write(bytes)
  const first = concat(leftover, client.release())
  if (first.length > 0) far.write(first)
  report.spliced(client.info, destination)
  report.closed(client.info, await splice(client.socket, far))
}
