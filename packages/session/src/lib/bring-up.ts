import {
  type ServeDialsResult,
  type Sidecar,
  SidecarRequestError,
  type TailnetNode,
} from '@tailproxy/sidecar'
import { SessionStartError } from './errors.ts'
import type { ExitNodeChoice, SessionOptions } from './session-options.ts'

/** @throws {SessionStartError} with the sidecar's reason, as each of these */
export async function startNode(sidecar: Sidecar, options: SessionOptions): Promise<TailnetNode> {
  const { hostname, stateDirectory, authKey, controlUrl, ephemeral = false } = options
  const params = {
    hostname,
    stateDir: stateDirectory,
    ephemeral,
    ...(authKey ? { authKey } : {}),
    ...(controlUrl ? { controlUrl } : {}),
    ...(options.tags && options.tags.length > 0 ? { tags: [...options.tags] } : {}),
    ...(options.tailscaleLogs ? { tailscaleLogs: true } : {}),
  }
  try {
    return await sidecar.start(params, options.signal)
  } catch (cause) {
    if (!(cause instanceof SidecarRequestError)) throw cause
    throw new SessionStartError(cause.reason, cause.message, { cause })
  }
}

/** @param insist whether the session waits for it rather than not to come up */
export async function setExitNode(
  sidecar: Sidecar,
  { nodes, lanAccess }: ExitNodeChoice,
  { insist, signal }: { insist: boolean; signal: AbortSignal },
): Promise<void> {
  if (nodes.length === 0) return
  try {
    await sidecar.setExitNode([...nodes], { lanAccess, insist, signal })
  } catch (cause) {
    if (!(cause instanceof SidecarRequestError)) throw cause
    throw new SessionStartError(cause.reason, cause.message, { cause })
  }
}

export async function listen(sidecar: Sidecar, port: number): Promise<string> {
  try {
    return await sidecar.listenSocks({ port })
  } catch (cause) {
    if (!(cause instanceof SidecarRequestError)) throw cause
    const message = `cannot serve SOCKS5 on 127.0.0.1:${port}: ${cause.message}`
    throw new SessionStartError(cause.reason, message, { cause })
  }
}

export async function serveDials(sidecar: Sidecar, socket: string): Promise<ServeDialsResult> {
  try {
    return await sidecar.serveDials(socket)
  } catch (cause) {
    if (!(cause instanceof SidecarRequestError)) throw cause
    const message = `cannot serve the dial socket ${socket}: ${cause.message}`
    throw new SessionStartError(cause.reason, message, { cause })
  }
}
