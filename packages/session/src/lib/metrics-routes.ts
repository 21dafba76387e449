import { Answer, type Routes } from './http-routes.ts'
import { METRICS_TYPE, metricsText } from './metrics-text.ts'
import type { RunRegister } from './run-register.ts'
import type { SessionHost } from './session-host.ts'

/** What a session counts, for Prometheus. */
export function metricsRoutes(host: SessionHost, runs: RunRegister): Routes {
  return {
    'GET /metrics': async () => new Answer(200, await countedText(host, runs), METRICS_TYPE),
  }
}

export async function countedText(host: SessionHost, runs: RunRegister): Promise<string> {
  const session = host.isOpen ? await host.ready : undefined
  // While a sidecar is being started anew there is nothing to count.
  const [carried, node] = await Promise.all([
    session?.metrics().catch(() => undefined),
    session?.status().catch(() => undefined),
  ])
  const { startedAt, progress } = host
  const isUp = progress.current.state === 'running'
  const counted = { startedAt, isUp, runs: runs.list().length, carried, node }
  return metricsText({
    ...counted,
    exports: session?.exports.list() ?? [],
    control: session?.exports.refusals,
  })
}
