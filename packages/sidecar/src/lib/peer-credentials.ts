import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { SidecarExitedError, SidecarProtocolError, SidecarSpawnError } from './errors.ts'
import type { SidecarCommand } from './sidecar-process.ts'
import { keepTail } from './tail.ts'

/** It says one line, and on stderr one more. */
const SAID_BYTES = 4096

/** Milliseconds for the kernel's answer, most of which is the start of a process. */
export const DEFAULT_CREDENTIALS_TIMEOUT = 10_000

const PeerCredentials = z.object({
  pid: z.int().min(0),
  uid: z.int().min(0).max(0xffff_ffff),
  gid: z.int().min(0).max(0xffff_ffff),
})

/** Who called connect(2), as it was then: unix(7), `SO_PEERCRED`. */
export interface PeerCredentials {
  /** 0 where the process is of a pid namespace that this one does not see. */
  pid: number
  uid: number
  gid: number
}

/**
 * Asks the kernel who is at the other end of a Unix socket. Node has no call for that, so a sidecar is lent
 * the descriptor for a moment (some 10 ms); it reads nothing from it. Nobody else may have it meanwhile:
 * accept with `pauseOnConnect`.
 *
 * @throws {SidecarSpawnError} when the sidecar cannot be executed, or does not say it within `timeout` milliseconds
 * @throws {SidecarExitedError} when it could not find out; the message quotes its stderr
 * @throws {SidecarProtocolError} when what it said is nothing that this version knows
 */
export async function peerCredentials(
  socket: Socket,
  { binary, args = [], env = process.env }: Pick<SidecarCommand, 'binary' | 'args' | 'env'>,
  { timeout = DEFAULT_CREDENTIALS_TIMEOUT }: { timeout?: number } = {},
): Promise<PeerCredentials> {
  const child = lend(socket, binary, [...args, 'credentials'], env)
  const said = keepTail(child.stdout as Readable, SAID_BYTES)
  const complaint = keepTail(child.stderr as Readable, SAID_BYTES)
  let isLate = false
  const deadline = setTimeout(() => {
    isLate = true
    child.kill('SIGKILL')
  }, timeout)
  try {
    const [code, signal] = await once(child, 'close')
    if (isLate) throw new Error(`it did not say whose connection it is within ${timeout} ms`)
    if (code !== 0) throw new SidecarExitedError(code, signal, complaint.text())
  } catch (cause) {
    if (cause instanceof SidecarExitedError) throw cause
    throw new SidecarSpawnError(binary, { cause })
  } finally {
    clearTimeout(deadline)
  }
  return read(said.text())
}

function lend(socket: Socket, binary: string, args: string[], env: NodeJS.ProcessEnv) {
  try {
    // Number 3: of those below it libuv makes the descriptor blocking, which would be ours as well.
    return spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe', socket], env, detached: true })
  } catch (cause) {
    throw new SidecarSpawnError(binary, { cause })
  }
}

function read(line: string): PeerCredentials {
  try {
    return PeerCredentials.parse(JSON.parse(line))
  } catch (cause) {
    const message = 'what the sidecar said of a connection’s other end has an unknown shape'
    throw new SidecarProtocolError(message, { cause })
  }
}
