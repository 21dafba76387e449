import process from 'node:process'
import type { RawSettings } from '@tailproxy/config'
import {
  awaitReady,
  type JoinWait,
  loginAgain,
  type RunWaits,
  SessionClient,
  SessionRefusedError,
  type SessionStatus,
} from '@tailproxy/session/host'
import { awaitLogin } from '../lib/await-login.ts'
import { CommandLineError } from '../lib/exit-status.ts'
import { withGivenAuthKey } from '../lib/given-auth-key.ts'
import { inSession } from '../lib/in-session.ts'
import { interruptible } from '../lib/interruption.ts'
import type { ChildExit } from '../lib/run-child.ts'
import { runningSession } from '../lib/running-session.ts'
import { tellProgress } from '../lib/tell-progress.ts'
import { hasColor, say } from '../lib/terminal.ts'

/** `tailproxy login`: logs the profile's node in, if it is not, and says who it is. */
export async function login(
  operands: readonly string[],
  given: RawSettings,
  { json }: { json: boolean },
): Promise<ChildExit> {
  if (operands.length > 0) throw new CommandLineError(`login takes no "${operands[0]}"`)
  const raw = await withGivenAuthKey(given)
  const wasUp = await isUp(raw)
  return interruptible(async (signal) => {
    const { onWait, done } = tellProgress(raw)
    const show = showUrl(json)
    const tell = (progress: RunWaits): void => {
      onWait(progress)
      if (progress.url !== undefined) show(progress.url)
    }
    try {
      await awaitLogin(raw, { onWait: tell, signal }, (waiting) =>
        inSession(raw, waiting.signal, async (socket) => {
          await logIn(socket, raw, { ...waiting, wasUp })
          done()
          describe(await new SessionClient(socket, { signal }).status(), json)
        }),
      )
      return { status: 0, signal: null }
    } finally {
      done()
    }
  })
}

async function logIn(
  socket: string,
  raw: RawSettings,
  { wasUp, ...waiting }: JoinWait & { wasUp: boolean },
): Promise<void> {
  // A key in the environment may stand there for good; one that was just given is to be used.
  const isKeyGiven = raw.authKey?.origin.kind === 'flag'
  if (wasUp && isKeyGiven) {
    await loginAgain(socket, { settings: raw }, waiting)
    return
  }
  try {
    await awaitReady(socket, raw, waiting)
  } catch (error) {
    if (!(error instanceof SessionRefusedError) || error.reason !== 'key-expired') throw error
    await loginAgain(socket, isKeyGiven ? { settings: raw } : {}, waiting)
  }
}

/** Whether a node is up already. */
async function isUp(raw: RawSettings): Promise<boolean> {
  const status = await (await runningSession(raw))?.status().catch(() => undefined)
  return status?.state === 'running'
}

/** Shows each address once: as a QR code where somebody can point a camera at it, or for a program. */
function showUrl(json: boolean): (url: string) => void {
  const shown = new Set<string>()
  return (url) => {
    if (shown.has(url)) return
    shown.add(url)
    if (json) process.stdout.write(`${JSON.stringify({ url })}\n`)
    else if (process.stderr.isTTY) void showQrCode(url)
  }
}

async function showQrCode(url: string): Promise<void> {
  const { qrCode } = await import('../lib/qr-code.ts')
  process.stderr.write(qrCode(url, { color: hasColor() }))
}

function describe({ sidecar }: SessionStatus, json: boolean): void {
  const node = sidecar?.node
  if (json) {
    process.stdout.write(`${JSON.stringify({ node: node ?? null })}\n`)
    return
  }
  if (!node) {
    say('logged in; the node is just being started anew')
    return
  }
  const { name, addresses, tailnet, user } = node
  const where = tailnet ? ` on the tailnet ${tailnet}` : ''
  const who = user ? `, as ${user}` : ''
  process.stdout.write(`logged in: ${name} (${addresses.join(', ')})${where}${who}\n`)
}
