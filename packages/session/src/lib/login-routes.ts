import type { ServerResponse } from 'node:http'
import type { ResolvedSettings } from '@tailproxy/config'
import { z } from 'zod'
import { authKeyOf } from './auth-key-of.ts'
import { keepChosenExitNode } from './chosen-exit-node.ts'
import { SessionEndedError } from './errors.ts'
import { Answer, type Routes, readBody } from './http-routes.ts'
import type { Progress } from './progress.ts'
import type { RunEvent } from './run-messages.ts'
import type { SessionHost } from './session-host.ts'
import { understand } from './understand.ts'

/** Settings that bring a key; without them somebody has to open an address. */
const Login = z.strictObject({ settings: z.unknown().optional() })

/** Who the node is. */
export function loginRoutes(host: SessionHost): Routes {
  return {
    'POST /v1/login': async ({ request, response }) => {
      const { settings } = await readBody(Login, request)
      const wanted = settings === undefined ? undefined : await understand(host, settings)
      await tellLogin(host, response, (signal) => loginAgain(host, wanted, signal))
      return undefined
    },
    'POST /v1/logout': async ({ response }) => {
      await (await (await host.ready).sidecar()).logout()
      keepChosenExitNode(host.stateDirectory, { nodes: [], lanAccess: false })
      response.on('close', () => void host.close(new SessionEndedError('the node was logged out')))
      return new Answer(200, {})
    },
  }
}

/**
 * Because its key has expired, or as another user: with the key of these settings, or by an address
 * that the progress has. A node that ran goes on when the control server refuses it.
 */
async function loginAgain(
  { ready, progress, options }: SessionHost,
  wanted: ResolvedSettings | undefined,
  signal: AbortSignal,
): Promise<void> {
  const sidecar = await (await ready).sidecar()
  const authKey = wanted && (await authKeyOf(wanted, options.cwd))
  try {
    await sidecar.login(authKey ? { authKey } : {}, signal)
    progress.set({ state: 'running' })
  } catch (error) {
    const status = await sidecar.status().catch(() => undefined)
    if (status?.state === 'running') progress.set({ state: 'running' })
    throw error
  }
}

/** Tells whoever asked how far a login is, and how it ended. */
async function tellLogin(
  host: SessionHost,
  response: ServerResponse,
  login: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const leave = host.presence.enter()
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  const tell = (event: RunEvent): void => void response.write(`${JSON.stringify(event)}\n`)
  const tellProgress = (progress: Progress): void => {
    if (progress.state !== 'running') tell({ event: 'state', ...progress })
  }
  host.progress.on('changed', tellProgress)
  try {
    await login(AbortSignal.any([gone.signal, host.closing]))
    const { name, addresses } = (await host.ready).node
    tell({ event: 'ready', node: { name, addresses } })
  } catch (error) {
    const {
      code = 'internal',
      reason,
      message,
    } = error as Error & { code?: string; reason?: string }
    if (response.writable) tell({ event: 'refused', code: reason ?? code, message })
  } finally {
    host.progress.off('changed', tellProgress)
    response.end()
    leave()
  }
}
