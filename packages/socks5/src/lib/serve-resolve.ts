import type { ResolveAction } from './server-action.ts'
import type { Service } from './service.ts'

/** RESOLVE and RESOLVE_PTR. @throws what kept it from being answered */
export async function serveResolve(service: Service, { request }: ResolveAction): Promise<void> {
  const { client, session, router } = service
  const answer = await service.withinDialTimeout(request.destination, async (signal) => {
    const question = { request, client: client.info, signal }
    if (request.command === 'resolve-ptr') return router.reverse(question)
    const [address] = await router.resolve(question)
    return address
  })
  client.writeLast(session.resolved(answer).bytes)
}
