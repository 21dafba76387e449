import { exportRoutes } from './export-routes.ts'
import type { Routes } from './http-routes.ts'
import { lifeRoutes } from './life-routes.ts'
import { RunRegister } from './run-register.ts'
import { runRoutes } from './run-routes.ts'
import type { SessionHost } from './session-host.ts'

/** All that a session answers, as in docs/session-api.md. */
export function sessionRoutes(host: SessionHost): Routes {
  const runs = new RunRegister(host)
  return { ...lifeRoutes(host, runs), ...runRoutes(host, runs), ...exportRoutes(host) }
}
