import process from 'node:process'
import { DRIVER_VERSION } from '@tailproxy/sidecar'
import { z } from 'zod'
import { SessionEndedError } from './errors.ts'
import { Answer, type Routes, readBody } from './http-routes.ts'
import type { RunRegister } from './run-register.ts'
import type { SessionHost } from './session-host.ts'

const Pin = z.strictObject({ pinned: z.boolean() })

/** How the session does, and its end. */
export function lifeRoutes(host: SessionHost, runs: RunRegister): Routes {
  return {
    'GET /v1/status': () => statusOf(host, runs),
    'POST /v1/pin': async ({ request }) => {
      host.presence.pin((await readBody(Pin, request)).pinned)
      return {}
    },
    'POST /v1/stop': async ({ response }) => {
      // Answered first: the end takes the connection with it.
      response.on('close', () => void host.close(new SessionEndedError('the session was ended')))
      return new Answer(202, { pid: process.pid })
    },
  }
}

async function statusOf(host: SessionHost, runs: RunRegister): Promise<object> {
  const { state, detail, url } = host.progress.current
  const session = host.isOpen ? await host.ready : undefined
  // While there is none, its state says so.
  const sidecar = await session?.status().catch(() => undefined)
  const { idleAt, isPinned } = host.presence
  const exports = session?.exports.list() ?? []
  // It does not leave while something is served or flows, however long nobody has asked for anything.
  const mayLeave = exports.length === 0 && (sidecar?.flows ?? 0) === 0
  const { values } = host.options.resolved
  return {
    pid: process.pid,
    version: DRIVER_VERSION,
    ...{ state, detail, url },
    since: host.startedAt.toISOString(),
    stateDirectory: host.stateDirectory,
    log: host.options.log,
    pinned: isPinned,
    idleAt: idleAt !== undefined && mayLeave ? new Date(idleAt).toISOString() : undefined,
    idleTimeout: host.options.idleTimeout ?? 0,
    profile: values.profile || undefined,
    controlUrl: values.controlUrl || undefined,
    metrics: values.metrics || undefined,
    runs: runs.list(),
    exports,
    controlSocket: session?.exports.refusals,
    sidecar,
  }
}
