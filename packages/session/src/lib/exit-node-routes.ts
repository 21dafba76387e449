import { MAX_EXIT_NODES } from '@tailproxy/sidecar'
import { z } from 'zod'
import { type Routes, readBody } from './http-routes.ts'
import type { SessionHost } from './session-host.ts'

const Choice = z.strictObject({
  nodes: z.array(z.string().min(1)).max(MAX_EXIT_NODES),
  lanAccess: z.boolean(),
})

/** What traffic for outside the tailnet goes through, and what else it could. */
export function exitNodeRoutes(host: SessionHost): Routes {
  return {
    'GET /v1/exit-nodes': async () => {
      const session = await host.ready
      const sidecar = await session.sidecar()
      const [nodes, { exitNode }] = await Promise.all([sidecar.exitNodes(), sidecar.status()])
      return { nodes, exitNode }
    },
    'GET /v1/exit-nodes/suggestion': async () => {
      const sidecar = await (await host.ready).sidecar()
      return { node: await sidecar.suggestExitNode() }
    },
    'PUT /v1/exit-node': async ({ request }) => {
      const choice = await readBody(Choice, request)
      return { node: await host.chooseExitNode(choice) }
    },
  }
}
