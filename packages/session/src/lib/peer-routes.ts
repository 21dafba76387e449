import { z } from 'zod'
import { Problem, type Routes, readBody } from './http-routes.ts'
import type { SessionHost } from './session-host.ts'

/** Milliseconds. Whoever asks waits 30 s for an answer of ours. */
const LONGEST_PING = 25_000
const MOST_FLOWS = 10_000

const Ping = z.strictObject({
  peer: z.string().min(1),
  timeoutMs: z.int().min(1).max(LONGEST_PING),
})

const Limit = z.coerce.number().pipe(z.int().min(1).max(MOST_FLOWS))

/** The other nodes of the tailnet, what goes there, and the network in between. */
export function peerRoutes(host: SessionHost): Routes {
  const sidecar = async () => (await host.ready).sidecar()
  return {
    'GET /v1/peers': async () => ({ peers: await (await sidecar()).peers() }),
    'POST /v1/pings': async ({ request }) => {
      const { peer, timeoutMs } = await readBody(Ping, request)
      return (await sidecar()).ping(peer, timeoutMs)
    },
    'GET /v1/netcheck': async () => (await sidecar()).netcheck(),
    'GET /v1/flows': async ({ request }) => {
      const { searchParams } = new URL(request.url ?? '', 'http://tailproxy')
      const limit = Limit.safeParse(searchParams.get('limit') ?? undefined)
      if (limit.success) return (await sidecar()).flowList(limit.data)
      throw new Problem(400, 'invalid', `"limit" has to be a number from 1 to ${MOST_FLOWS}`)
    },
  }
}
