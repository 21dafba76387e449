import type { ServerResponse } from 'node:http'
import process from 'node:process'
import type { ResolvedSettings } from '@tailproxy/config'
import { z } from 'zod'
import { authKeyOf } from './auth-key-of.ts'
import { followRun } from './follow-run.ts'
import { Problem, type Routes, readBody } from './http-routes.ts'
import type { Run } from './run.ts'
import type { RunEvent, RunJoined } from './run-messages.ts'
import type { RunRegister } from './run-register.ts'
import { FOREGROUND_USER, type Session } from './session.ts'
import type { SessionHost } from './session-host.ts'
import { understand } from './understand.ts'

const Join = z.strictObject({
  command: z.array(z.string()),
  pid: z.int().positive(),
  cwd: z.string(),
  program: z.string().optional(),
  settings: z.unknown(),
  user: z.literal(FOREGROUND_USER).optional(),
})

const Ready = z.strictObject({ settings: z.unknown() })

/** A command joins by asking; it stays as long as it does not close the connection. */
export function runRoutes(host: SessionHost, runs: RunRegister): Routes {
  return {
    'POST /v1/runs': async ({ request, response }) => {
      const { settings, program, ...join } = await readBody(Join, request)
      await converse(host, response, settings, async ({ session, wanted, tell, gone }) => {
        const run = await runs.begin(join, wanted)
        try {
          tell(await joined(host, session, run, wanted, program))
          await followRun(host, { session, run, verbose: wanted.values.verbose, tell, gone })
        } finally {
          await runs.end(run)
        }
      })
      return undefined
    },
    'POST /v1/ready': async ({ request, response }) => {
      const { settings } = await readBody(Ready, request)
      await converse(host, response, settings, async ({ session, tell }) => {
        const { name, addresses } = session.node
        tell({ event: 'ready', node: { name, addresses } })
      })
      return undefined
    },
  }
}

interface Conversation {
  session: Session
  wanted: ResolvedSettings
  tell: (event: RunEvent) => void
  /** Whoever asked has gone. */
  gone: AbortSignal
}

/** Tells whoever asks how far the node is, and what `work` tells when it is up; or why it is not. */
async function converse(
  host: SessionHost,
  response: ServerResponse,
  settings: unknown,
  work: (conversation: Conversation) => Promise<void>,
): Promise<void> {
  const leave = host.presence.enter()
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  try {
    const wanted = await understand(host, settings)
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    const tell = (event: RunEvent): void => void response.write(`${JSON.stringify(event)}\n`)
    // Whoever brings a key while the node waits for a login wants it used.
    if (!host.isOpen) host.restartWith(await authKeyOf(wanted, host.options.cwd))
    const session = await awaitSession(host, tell, gone.signal)
    refuseExpired(host)
    if (session) await work({ session, wanted, tell, gone: gone.signal })
  } catch (error) {
    if (!response.headersSent) throw error
    const { code, reason, message } = error as Error & { code?: string; reason?: string }
    sayLast(response, { event: 'refused', code: reason ?? code ?? 'internal', message })
  } finally {
    if (host.closing.aborted) {
      const { message } = host.closing.reason as Error
      sayLast(response, { event: 'ended', message })
    }
    if (response.headersSent) response.end()
    leave()
  }
}

function sayLast(response: ServerResponse, event: RunEvent): void {
  if (response.writable) response.end(`${JSON.stringify(event)}\n`)
}

/** @throws {Problem} when nothing would come through, until somebody logs the node in again */
function refuseExpired({ progress }: SessionHost): void {
  const { state, detail } = progress.current
  if (state !== 'needs-login' || detail !== 'key-expired') return
  const message = 'the key of this node has expired; tailproxy login logs it in again'
  throw new Problem(409, 'key-expired', message)
}

/** Tells how far the node is until it is up. @returns undefined when the command has gone before */
async function awaitSession(
  host: SessionHost,
  tell: (event: RunEvent) => void,
  gone: AbortSignal,
): Promise<Session | undefined> {
  const left = new Promise<undefined>((resolve) => {
    gone.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  const tellProgress = (): void => {
    const { current } = host.progress
    if (current.state !== 'running' && current.state !== 'stopped') {
      tell({ event: 'state', ...current })
    }
  }
  host.progress.on('changed', tellProgress)
  try {
    if (!host.isOpen) tellProgress()
    return await Promise.race([host.ready, left])
  } finally {
    host.progress.off('changed', tellProgress)
  }
}

/** @returns undefined where there is none: the command looks for itself then, and says why. */
function libraryOf({ options }: SessionHost): string | undefined {
  try {
    return options.placeLibrary?.()
  } catch {
    return undefined
  }
}

async function joined(
  host: SessionHost,
  session: Session,
  { id, user, password, token, control }: Run,
  { values }: ResolvedSettings,
  program: string | undefined,
): Promise<RunJoined> {
  const { host: address, port, dialSocket, node } = session
  const { path: socket, tarpit, detail } = dialSocket
  const { allowUnwrapped, bypass, onlyTailnet, verbose } = values
  const { exportLoopback, exportPeers, exportStrict } = values
  // Root has every capability as it is, and its programs load the library.
  const isAsked = program !== undefined && process.geteuid?.() !== 0
  return {
    event: 'joined',
    run: id,
    session: host.file,
    access: {
      ...{ host: address, port, user, password, socket, token },
      ...(control === undefined ? {} : { control }),
    },
    library: libraryOf(host),
    fileCapabilities: isAsked && (await session.fileCapabilities(program)),
    dials: { tarpit, detail },
    node: { name: node.name, addresses: node.addresses },
    settings: {
      ...{ allowUnwrapped, bypass, onlyTailnet, verbose },
      ...{ exportLoopback, exportPeers, exportStrict },
    },
  }
}
