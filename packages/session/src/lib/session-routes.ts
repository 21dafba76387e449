import { exitNodeRoutes } from './exit-node-routes.ts'
import { exportRoutes } from './export-routes.ts'
import type { Routes } from './http-routes.ts'
import { lifeRoutes } from './life-routes.ts'
import { loginRoutes } from './login-routes.ts'
import { metricsRoutes } from './metrics-routes.ts'
import { peerRoutes } from './peer-routes.ts'
import type { RunRegister } from './run-register.ts'
import { runRoutes } from './run-routes.ts'
import type { SessionHost } from './session-host.ts'

/** All that a session answers, as in docs/session-api.md. */
export function sessionRoutes(host: SessionHost, runs: RunRegister): Routes {
  return {
    ...lifeRoutes(host, runs),
    ...runRoutes(host, runs),
    ...exportRoutes(host),
    ...exitNodeRoutes(host),
    ...loginRoutes(host),
    ...metricsRoutes(host, runs),
    ...peerRoutes(host),
  }
}
